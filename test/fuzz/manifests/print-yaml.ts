/** Values as YAML that means the same to everybody: `y` and `on` in quotes, nothing by reference. */
import { stringify } from 'yaml';
import type { ToStringOptions } from 'yaml';

export function printYaml(value: unknown, style: ToStringOptions = {}): string {
  return stringify(value, { version: '1.1', lineWidth: 0, aliasDuplicateObjects: false, ...style });
}

import { stringify } from 'yaml';

/** Block-style YAML without anchors and folding, so that every line stands for itself in a diff. */
export function renderYaml(data: unknown): string {
  return stringify(data, { aliasDuplicateObjects: false, lineWidth: 0 });
}

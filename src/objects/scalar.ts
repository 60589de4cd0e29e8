/**
 * What an unquoted word means: as sigs.k8s.io/yaml (goyaml.v2/resolve.go) reads it on its way to the API server,
 * which is neither YAML 1.1 nor 1.2: `yes`, `on`, `y` are booleans, `0777` is octal, base 60 is not a number and a
 * timestamp stays text.
 */
import type { Scalar } from 'yaml';

export type ScalarValue = string | number | boolean | null;

const words = new Map<string, boolean | null>([
  ...['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON'].map(
    (word) => [word, true] as const,
  ),
  ...['n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF'].map(
    (word) => [word, false] as const,
  ),
  ...['', '~', 'null', 'Null', 'NULL'].map((word) => [word, null] as const),
]);

const integers: readonly (readonly [RegExp, number])[] = [
  [/^([-+]?)(0|[1-9]\d*)$/, 10],
  [/^([-+]?)0[xX]([0-9a-fA-F]+)$/, 16],
  [/^([-+]?)0[oO]?([0-7]+)$/, 8],
  [/^([-+]?)0[bB]([01]+)$/, 2],
];
const float = /^[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?$/;

/** The value of a scalar that was parsed with the failsafe schema, where everything is still text. */
export function scalarValue(node: Scalar): ScalarValue {
  const text = typeof node.value === 'string' ? node.value : '';
  if (node.tag === 'tag:yaml.org,2002:str') return text;
  const isPlain = node.type === undefined || node.type === 'PLAIN';
  return isPlain || node.tag !== undefined ? resolvePlain(text) : text;
}

/** The value of an unquoted word. */
export function resolvePlain(text: string): ScalarValue {
  const word = words.get(text);
  if (word !== undefined) return word;
  if (!/^[-+.\d]/.test(text)) return text;
  // Here alone an underscore does not separate digits.
  if (text.startsWith('.')) return float.test(text) ? Number(text) : text;
  const digits = text.replaceAll('_', '');
  for (const [pattern, radix] of integers) {
    const match = pattern.exec(digits);
    if (match) return parseInt(match[2] ?? '', radix) * (match[1] === '-' ? -1 : 1);
  }
  return float.test(digits) ? Number(digits) : text;
}

/** values.yaml, values.schema.json and the chart's table of values, from the list of values. */
import { stringify } from 'yaml';
import type { Plain } from './template.ts';
import { values } from './values.ts';
import type { Value } from './values.ts';

interface Branch {
  readonly [key: string]: Branch | Value;
}

const isValue = (node: Branch | Value): node is Value => 'schema' in node && 'default' in node;

function valueTree(): Branch {
  const root: Record<string, Record<string, unknown> | Value> = {};
  for (const [path, value] of Object.entries(values)) {
    const keys = path.split('.');
    const last = keys.pop() ?? '';
    let at: Record<string, unknown> = root;
    for (const key of keys) at = (at[key] ??= {}) as Record<string, unknown>;
    at[last] = value;
  }
  return root as Branch;
}

export function valuesYaml(): string {
  return `# Made by scripts/deploy.ts; README.md lists the same as a table.\n${branchYaml(valueTree(), '')}`;
}

function branchYaml(branch: Branch, indent: string): string {
  return Object.entries(branch)
    .map(([key, node]) => {
      if (!isValue(node)) return `${indent}${key}:\n${branchYaml(node, `${indent}  `)}`;
      const lines = stringify({ [key]: node.default }, { lineWidth: 0 })
        .trimEnd()
        .split('\n');
      return [`# ${node.description}`, ...lines].map((line) => `${indent}${line}\n`).join('');
    })
    .join('');
}

export function valuesSchema(): string {
  const schema = { $schema: 'http://json-schema.org/draft-07/schema#', ...branchSchema(valueTree()) };
  return `${JSON.stringify(schema, null, 2)}\n`;
}

function branchSchema(branch: Branch): { readonly [key: string]: Plain } {
  const properties = Object.entries(branch).map(([key, node]) => [
    key,
    isValue(node) ? { description: node.description, ...node.schema } : branchSchema(node),
  ]);
  return {
    type: 'object',
    // Helm itself adds `global`.
    properties: { ...(Object.fromEntries(properties) as Record<string, Plain>), global: { type: 'object' } },
    additionalProperties: false,
  };
}

export function valuesTable(): string {
  const rows = Object.entries(values).map(
    ([path, value]) => `| \`${path}\` | ${value.description} | \`${JSON.stringify(value.default)}\` |`,
  );
  return `| Value | Meaning | Default |\n| --- | --- | --- |\n${rows.join('\n')}\n`;
}

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { commandTree } from '../../src/cli/command-tree.ts';
import { processContext } from '../../src/cli/context.ts';
import { buildProgram } from '../../src/cli/program.ts';
import { renderCliReference } from '../../src/cli/render/cli-reference.ts';

it('docs/cli.md says what the program does (else run scripts/node.sh scripts/cli-reference.ts)', () => {
  const program = buildProgram({ context: processContext(), exitCode: 0 });
  const written = readFileSync(join(import.meta.dirname, '../../docs/cli.md'), 'utf8');
  expect(written).toBe(renderCliReference(commandTree(program)));
});

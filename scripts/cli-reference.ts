/** Writes docs/cli.md from the command tree: scripts/node.sh scripts/cli-reference.ts */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commandTree } from '../src/cli/command-tree.ts';
import { processContext } from '../src/cli/context.ts';
import { buildProgram } from '../src/cli/program.ts';
import { renderCliReference } from '../src/cli/render/cli-reference.ts';

const program = buildProgram({ context: processContext(), exitCode: 0 });
writeFileSync(join(import.meta.dirname, '../docs/cli.md'), renderCliReference(commandTree(program)));

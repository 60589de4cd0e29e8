/** Entry of `npm run e2e`. */
import { Command } from 'commander';
import { upstreamCommand } from './commands/upstream.ts';

const program = new Command('npm run e2e --')
  .description('The long tests on real clusters (docs/cluster.md).')
  .addCommand(upstreamCommand())
  .addHelpText(
    'after',
    `
Examples:
  npm run e2e -- upstream --engine nftables --cni bridge
  npm run e2e -- upstream --focus "default-deny"`,
  );

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

/** Entry of `npm run e2e`. */
import { Command } from 'commander';
import { conformanceCommand } from './commands/conformance.ts';
import { clusterTests, everything } from './commands/everything.ts';
import { upstreamCommand } from './commands/upstream.ts';

/** Says by the exit code whether all passed. */
const outcome = (run: () => Promise<boolean>) => async () => {
  if (!(await run())) process.exitCode = 1;
};

const program = new Command('npm run e2e --')
  .description('The long tests on real clusters (docs/cluster.md); without a command, all of them.')
  .action(outcome(everything))
  .addCommand(
    new Command('tests').description('the tests on clusters, skipping nothing').action(outcome(clusterTests)),
  )
  .addCommand(upstreamCommand())
  .addCommand(conformanceCommand())
  .addHelpText(
    'after',
    `
Examples:
  npm run e2e -- upstream --engine nftables --cni bridge
  npm run e2e -- upstream --focus "default-deny"
  npm run e2e -- conformance --engine nftables --ip dual --family e2e`,
  );

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

/** Entry of `npm run cluster`. */
import { Command } from 'commander';
import { apiCommand } from './commands/api.ts';

const program = new Command('npm run cluster --')
  .description('A Kubernetes cluster on this machine, for development and tests (docs/cluster.md).')
  .addCommand(apiCommand())
  .addHelpText(
    'after',
    `
Examples:
  npm run cluster -- api up
  npm run cluster -- api fill --pods 10000 --policies 1000
  npm run cluster -- api churn --pods 10000 --rate 200
  npm run cluster -- api down`,
  );

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

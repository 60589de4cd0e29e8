/** Entry of `npm run cluster`. */
import { Command } from 'commander';
import { apiCommand } from './commands/api.ts';
import { wholeCommands } from './commands/whole.ts';

const program = new Command('npm run cluster --')
  .description('A Kubernetes cluster on this machine, for development and tests (docs/cluster.md).')
  .enablePositionalOptions()
  .addCommand(apiCommand())
  .addHelpText(
    'after',
    `
Examples:
  npm run cluster -- up --cni bridge --ip dual
  npm run cluster -- kubectl get pods --all-namespaces
  npm run cluster -- exec n1 nft list ruleset
  npm run cluster -- down
  npm run cluster -- api up
  npm run cluster -- api fill --pods 10000 --policies 1000
  npm run cluster -- api churn --pods 10000 --rate 200
  npm run cluster -- api down`,
  );

for (const command of wholeCommands()) program.addCommand(command);

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

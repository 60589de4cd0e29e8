/** Entry of the `bulkhead` command. */
import { processContext } from './context.ts';
import { runCli } from './run.ts';

// `bulkhead … | head` closes our output early; that is no error, and there is nobody left to tell.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

process.exitCode = await runCli(process.argv.slice(2), processContext());

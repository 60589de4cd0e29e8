/** Entry of the `bulkhead` command. */
import { BulkheadError, failure } from '../errors.ts';
import { processContext } from './context.ts';
import { printError, runCli } from './run.ts';

const args = process.argv.slice(2);
const context = processContext();

// `bulkhead … | head` closes our output early; that is no error, and there is nobody left to tell.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  void endUnwritten(error.message);
});
// The exit code still says it.
process.stderr.on('error', () => undefined);

process.exitCode = await runCli(args, context);

async function endUnwritten(why: string): Promise<never> {
  const hint = 'Make room there, or write it to another place: what was written is not whole.';
  const lost = failure('OUTPUT_UNWRITABLE', `the result can't be written: ${why}`, { hint });
  process.exit(await printError(new BulkheadError(lost), args, context));
}

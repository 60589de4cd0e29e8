/** For crash.test.ts: takes the namespace called by the argument away. */
import { removeNamespaces } from '../../../src/lab/network/remove.ts';

await removeNamespaces(process.argv.slice(2));

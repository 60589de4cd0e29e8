/**
 * The demo: what Bulkhead does, on the shop example, in half a minute. It shows the commands that it runs, and takes
 * down the lab that it brought up, whatever happens. Without root it does what needs none.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { styleText } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const shop = 'examples/shop';
const denied = ['--from', 'shop/ad', '--to', 'shop/db', '--port', '5432/TCP'];
const allowed = ['--from', 'shop/frontend', '--to', 'shop/cart', '--port', '7070/TCP'];

const interrupt = new AbortController();
process.once('SIGINT', () => interrupt.abort());
process.once('SIGTERM', () => interrupt.abort());

const isRoot = process.getuid?.() === 0;
/** Without a terminal nobody could type the password, and that sudo says so would only puzzle. */
const sudo = process.stdin.isTTY ? ['sudo'] : ['sudo', '-n'];
const canBecomeRoot =
  isRoot ||
  spawnSync('sudo', [...sudo.slice(1), 'true'], { stdio: process.stdin.isTTY ? 'inherit' : 'ignore' })
    .status === 0;

let sections = 0;
function heading(text: string): void {
  console.log(`\n${styleText('bold', `${++sections}. ${text}`)}\n`);
}

interface Options {
  /** Exit codes that are fine; 0 alone if not said. */
  readonly accept?: readonly number[];
  /** The output goes to the caller instead of the terminal, and the command is not shown. */
  readonly capture?: boolean;
  /** Runs on when the demo is interrupted. */
  readonly shielded?: boolean;
}

function show(args: readonly string[], suffix = ''): void {
  const prefix = args[0] === 'lab' && !isRoot ? 'sudo ' : '';
  console.log(styleText('cyan', `$ ${prefix}bin/bulkhead ${args.join(' ')}${suffix}`));
}

function start(args: readonly string[], options: Options): ChildProcess {
  const prefix = args[0] === 'lab' && !isRoot ? sudo : [];
  const [command = '', ...rest] = [...prefix, 'bin/bulkhead', ...args];
  // Ctrl-C reaches a whole process group; a shielded command gets one of its own. sudo needs the terminal's.
  const child = spawn(command, rest, {
    cwd: root,
    stdio: ['ignore', options.capture ? 'pipe' : 'inherit', 'inherit'],
    detached: isRoot && options.shielded === true,
  });
  if (!options.shielded) interrupt.signal.addEventListener('abort', () => child.kill('SIGINT'));
  return child;
}

/** Runs `bulkhead ARGS` to its end; what it printed, if captured. Throws if it ends in another way than accepted. */
async function bulkhead(args: readonly string[], options: Options = {}): Promise<string> {
  if (!options.shielded) interrupt.signal.throwIfAborted();
  if (!options.capture) show(args);
  const child = start(args, options);
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code === null || !(options.accept ?? [0]).includes(code)) {
    throw new Error(`bulkhead ${args.join(' ')} ended with ${code === null ? 'a signal' : `code ${code}`}`);
  }
  return output;
}

/** `demo`, or, if there is such a lab, a name of our own. */
async function chooseName(): Promise<string> {
  const labs = JSON.parse(await bulkhead(['lab', 'list', '-o', 'json'], { capture: true })) as {
    readonly name: string;
  }[];
  if (!labs.some(({ name }) => name === 'demo')) return 'demo';
  console.log('There is a lab called demo already: of another demo, or of one that was killed.');
  console.log('This demo leaves it alone. To remove it: bin/bulkhead lab down --name demo');
  return `demo-${process.pid}`;
}

async function compute(): Promise<void> {
  heading('Who may talk to whom, computed from the manifests');
  console.log(
    '15 workloads of an online shop, everything denied by default, 29 policies that open what is needed.\n',
  );
  await bulkhead(['matrix', shop]);
}

async function explain(): Promise<void> {
  heading('Why: every verdict down to the line of YAML');
  await bulkhead(['explain', shop, ...denied], { accept: [0, 1] });
  console.log();
  await bulkhead(['explain', shop, ...allowed], { accept: [0, 1] });
}

async function enforce(name: string): Promise<void> {
  heading('The same with real packets');
  console.log('Every pod becomes a network namespace; the policies go into the kernel as eBPF.\n');
  await bulkhead(['lab', 'up', shop, '--name', name]);
  console.log(
    '\nNow real packets from every pod to every port of every other, compared with the computation:\n',
  );
  await bulkhead(['lab', 'probe', '--name', name]);
}

async function cutLiveConnection(name: string): Promise<void> {
  heading('A policy change cuts a live connection');
  console.log(
    'A frontend keeps a connection to checkout busy, a message every millisecond. Then checkout is closed.\n',
  );
  const client = ['scripts/node.sh', 'scripts/live-connection.ts', 'checkout', '5050'];
  const exec = ['lab', 'exec', '--name', name, 'shop/frontend', '--', ...client];
  show(exec, ' &');
  const stream = start(exec, { capture: true });
  const closed = once(stream, 'close') as Promise<[number | null]>;
  const lines = createInterface({ input: stream.stdout ?? process.stdin })[Symbol.asyncIterator]();
  const first = await lines.next();
  if (first.done) throw new Error('the connection could not be made');

  const started = process.hrtime.bigint();
  await bulkhead(['lab', 'apply', '-f', 'examples/incident/close-checkout.yaml', '--name', name]);
  const returned = process.hrtime.bigint();
  const last = await lines.next();
  await closed;
  if (last.done) throw new Error('the connection was not cut');

  const { answers, unanswered, lastAnswer } = JSON.parse(last.value) as {
    readonly answers: number;
    readonly unanswered: number;
    readonly lastAnswer: string;
  };
  const sinceStart = (moment: bigint) => `${(Number(moment - started) / 1e6).toFixed(0)} ms`;
  console.log(
    `\nThe connection was answered ${answers} times, the last time ${sinceStart(BigInt(lastAnswer))} after the command ` +
      `was started; the command took ${sinceStart(returned)} in all.`,
  );
  console.log(styleText('bold', `Cut: the ${unanswered} messages since then got no answer.`));
}

async function offlineOnly(): Promise<void> {
  await compute();
  await explain();
  heading('What root would add');
  console.log(
    'As root (or with sudo) the demo goes on: it brings up a lab in which every pod is a network namespace,',
  );
  console.log(
    'sends real packets between all of them, compares them with the matrix above cell by cell, and cuts a',
  );
  console.log('live connection by a policy change. Run: sudo npm run demo');
}

async function everything(): Promise<void> {
  await compute();
  const name = await chooseName();
  try {
    await enforce(name);
    await cutLiveConnection(name);
    await explain();
    heading('All gone again');
  } finally {
    await bulkhead(['lab', 'down', '--name', name], { shielded: true });
  }
  console.log('\nNext: README.md, and examples/ for more to try.');
}

const began = performance.now();
try {
  await (canBecomeRoot ? everything() : offlineOnly());
  console.log(`The demo took ${((performance.now() - began) / 1000).toFixed(0)} s.`);
} catch (error) {
  const interrupted = interrupt.signal.aborted;
  console.error(interrupted ? '\nInterrupted.' : `\nThe demo failed: ${(error as Error).message}`);
  process.exitCode = interrupted ? 130 : 1;
}

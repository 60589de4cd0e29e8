/** What the command tells its user. */

/** For people: what takes long, and what came of it. Standard output is for what scripts read. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Runs it and says how long it took. */
export async function timed<T>(title: string, action: () => Promise<T>): Promise<T> {
  const started = performance.now();
  const result = await action();
  say(`${title} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
  return result;
}

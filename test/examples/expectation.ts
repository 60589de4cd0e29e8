/**
 * Reads the `expected.csv` files of examples/ (examples/README.md explains them): who may open a connection to whom, as
 * a list of which the first line that fits decides.
 */
import { readFileSync } from 'node:fs';
import { cidrContains, parseAddress, parseCidr } from '../../src/objects/ip.ts';
import type { Pod } from '../../src/objects/model.ts';

export interface ExpectedLine {
  readonly from: string;
  readonly to: string;
  readonly port: string;
  readonly allow: boolean;
  /** Where it stands: `examples/shop/expected.csv:12`. */
  readonly place: string;
}

/** How the files name a pod: `namespace/workload`, or `namespace/pod` where no controller made it. */
export function workloadOf(pod: Pod): string {
  return pod.owner ? `${pod.namespace}/${pod.owner.name}` : pod.key;
}

const endPattern = /^(\*|outside|[a-z0-9-]+\/(\*|[a-z0-9-]+)|[0-9a-f.:]+\/\d+)$/;
const portPattern = /^(\*|\d+\/(TCP|UDP|SCTP))$/;

function parseLine(text: string, place: string): ExpectedLine {
  const [from = '', to = '', port = '', verdict = '', ...rest] = text.split(',');
  const wellFormed =
    endPattern.test(from) &&
    endPattern.test(to) &&
    portPattern.test(port) &&
    ['allow', 'deny'].includes(verdict) &&
    rest.length === 0;
  if (!wellFormed) throw new Error(`${place}: not a line of the form from,to,port,verdict: ${text}`);
  return { from, to, port, allow: verdict === 'allow', place };
}

/** Throws on any malformed line, and if the last line is not the catch-all. */
export function readExpectation(file: string): readonly ExpectedLine[] {
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .map((text, index) => ({ text: text.trim(), place: `${file}:${index + 1}` }))
    .filter(({ text }) => text !== '' && !text.startsWith('#'));
  const [header, ...body] = lines;
  if (header?.text !== 'from,to,port,verdict') throw new Error(`${file}: no header line`);
  const parsed = body.map(({ text, place }) => parseLine(text, place));
  const last = parsed.at(-1);
  if (!last || ![last.from, last.to, last.port].every((field) => field === '*')) {
    throw new Error(`${file}: the last line must be *,*,*,allow or *,*,*,deny`);
  }
  return parsed;
}

/** `end` is a workload (`shop/cart`) or an address outside the cluster (`203.0.113.7`). */
function fits(pattern: string, end: string): boolean {
  if (pattern === '*' || pattern === end) return true;
  const address = parseAddress(end);
  if (!address) return pattern.endsWith('/*') && end.startsWith(pattern.slice(0, -1));
  if (pattern === 'outside') return true;
  const cidr = parseCidr(pattern);
  return cidr !== undefined && cidrContains(cidr, address);
}

/** The line that decides; `port` is `8080/TCP`. */
export function expectedLine(
  lines: readonly ExpectedLine[],
  flow: { from: string; to: string; port: string },
): ExpectedLine {
  const line = lines.find(
    ({ from, to, port }) =>
      fits(from, flow.from) && fits(to, flow.to) && (port === '*' || port === flow.port),
  );
  if (!line) throw new Error(`no line fits ${flow.from} → ${flow.to} ${flow.port}`);
  return line;
}

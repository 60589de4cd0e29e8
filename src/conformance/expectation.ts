/** Lines of truth tables: `deny from x/*,y/a to * except on 80/TCP over secondary`. */
import { BulkheadError, failure } from '../errors.ts';
import type { IpFamily } from '../objects/ip.ts';
import type { Expectation, ProbePort } from './case.ts';

const linePattern =
  /^(?<verdict>allow|deny) from (?<from>\S+) to (?<to>\S+)(?: on (?<on>\S+))?(?: except on (?<except>\S+))?(?: over (?<over>primary|secondary|IPv4|IPv6))?$/;

/** Throws BulkheadError CONFORMANCE_CASE_INVALID. */
export function parseExpectation(text: string, place: string): Expectation {
  const groups = linePattern.exec(text)?.groups;
  if (!groups) {
    throw new BulkheadError(
      failure('CONFORMANCE_CASE_INVALID', `${place}: not a line of a truth table: ${text}`, {
        hint: 'Write `allow|deny from ENDS to ENDS [on PORTS] [except on PORTS] [over primary|secondary|IPv4|IPv6]`.',
      }),
    );
  }
  const { verdict, from = '', to = '', on, except, over } = groups;
  return {
    text,
    allow: verdict === 'allow',
    from: from.split(','),
    to: to.split(','),
    ...(on === undefined ? {} : { on: on.split(',') }),
    ...(except === undefined ? {} : { exceptOn: except.split(',') }),
    ...(over === undefined ? {} : { over: familyOf(over) }),
  };
}

function familyOf(text: string): NonNullable<Expectation['over']> {
  switch (text) {
    case 'IPv4':
      return 4;
    case 'IPv6':
      return 6;
    default:
      return text === 'primary' ? 'primary' : 'secondary';
  }
}

/** What a line can tell cells by. */
export interface CellName {
  /** `namespace/pod`, or the name of a node or outside point. */
  readonly from: string;
  readonly to: string;
  readonly port: ProbePort;
  readonly family: IpFamily;
  /** Whether it is the first of the cluster's families. */
  readonly primary: boolean;
}

export function fits(line: Expectation, cell: CellName): boolean {
  return (
    fitsFamily(line.over, cell) &&
    line.from.some((pattern) => fitsEnd(pattern, cell.from)) &&
    line.to.some((pattern) => fitsEnd(pattern, cell.to)) &&
    (line.on === undefined || line.on.some((pattern) => fitsPort(pattern, cell.port))) &&
    !line.exceptOn?.some((pattern) => fitsPort(pattern, cell.port))
  );
}

function fitsFamily(over: Expectation['over'], { family, primary }: CellName): boolean {
  if (over === undefined) return true;
  if (typeof over === 'number') return over === family;
  return primary === (over === 'primary');
}

/** `*` everybody, `x/*` the pods of a namespace, `*\/a` the pods of a name, else one name. */
function fitsEnd(pattern: string, name: string): boolean {
  if (pattern === '*' || pattern === name) return true;
  if (pattern.endsWith('/*')) return name.startsWith(pattern.slice(0, -1));
  return pattern.startsWith('*/') && name.endsWith(pattern.slice(1));
}

/** `80/TCP`, `80` of any protocol, `TCP` on any port. */
function fitsPort(pattern: string, { protocol, port }: ProbePort): boolean {
  return pattern === protocol || pattern === String(port) || pattern === `${port}/${protocol}`;
}

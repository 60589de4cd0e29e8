/** Where a judged packet leaves: counted, logged, and accepted or dropped. And what the log says of it. */
import type { Expression } from '../../kernel/nftables-expressions.ts';
import type { DatapathReason } from '../datapath.ts';
import { count, hasState, lacksState, verdict } from './steps.ts';
import type { Direction, Rule } from './steps.ts';

export interface ExitOptions {
  readonly logGroup: number;
  /** A log message for each new connection that is allowed, too. */
  readonly allowedEvents: boolean;
}

/** What a log message says. `reply`: of a packet that answers the flow that is meant. */
export interface LoggedVerdict {
  readonly allowed: boolean;
  /** The direction that denied; of an allowed packet the last that had somebody to judge for. */
  readonly direction: Direction;
  readonly reason: DatapathReason;
  readonly reply: boolean;
}

export interface ExitChain {
  readonly name: string;
  readonly rules: readonly Rule[];
}

/** NF_CT_STATE_BIT of linux/netfilter/nf_conntrack_common.h, and IPS_CONFIRMED. */
const isNew = 1 << 3;
const confirmed = 1 << 3;

/** Longest headers that say where a packet goes: IPv6 with a few extension headers, and ports. */
const snapLength = 128;

const denials = [
  ['egress', 'rule'],
  ['egress', 'default-deny'],
  ['egress', 'unprogrammed'],
  ['egress', 'malformed'],
  ['egress', 'neighbour-discovery'],
  ['ingress', 'rule'],
  ['ingress', 'default-deny'],
  ['ingress', 'unprogrammed'],
] as const satisfies readonly (readonly [Direction, DatapathReason])[];

/** Allowed by egress alone, or by both. */
const permissions = [
  ['egress', 'rule'],
  ['egress', 'not-isolated'],
  ['ingress', 'rule'],
  ['ingress', 'not-isolated'],
] as const satisfies readonly (readonly [Direction, DatapathReason])[];

/** The name of the chain where packets with this verdict go. */
export function exit({ allowed, direction, reason, reply }: LoggedVerdict): string {
  return `${allowed ? 'allow' : 'deny'}-${direction}-${reason}${reply ? '-reply' : ''}`;
}

/** Packets that nobody is asked about. */
export const allowOthers = 'allow-no-subject';
/** Replies to what is allowed. */
export const allowReply = 'allow-reply';

const logged: readonly LoggedVerdict[] = [
  ...permissions.map(([direction, reason]) => ({ allowed: true, direction, reason, reply: false })),
  ...denials.flatMap(([direction, reason]) =>
    [false, true].map((reply) => ({ allowed: false, direction, reason, reply })),
  ),
];

/** The text in front of a log message: words that people can read, and that say all of it. */
function prefixOf({ allowed, direction, reason, reply }: LoggedVerdict): string {
  return `bulkhead ${allowed ? 'allow' : 'deny'} ${direction} ${reason}${reply ? ' reply' : ''}`;
}

const byPrefix = new Map(logged.map((one) => [prefixOf(one), one]));

/** Undefined: it is not from us. */
export function readPrefix(prefix: string): LoggedVerdict | undefined {
  return byPrefix.get(prefix);
}

export function exitChains(options: ExitOptions): ExitChain[] {
  return [
    { name: allowOthers, rules: [accept('no-subject')] },
    { name: allowReply, rules: [accept('reply')] },
    ...logged.map((one) => ({
      name: exit(one),
      rules: one.allowed ? allow(one, options) : deny(one, options),
    })),
  ];
}

function accept(reason: DatapathReason): Rule {
  return { expressions: [count(reason, 'allowed'), verdict('accept')] };
}

function allow(one: LoggedVerdict, { logGroup, allowedEvents }: ExitOptions): Rule[] {
  // The packet that opens a connection: conntrack confirms its entry once it has passed every hook.
  const report = [...hasState('state', isNew), ...lacksState('status', confirmed), log(one, logGroup)];
  return [...(allowedEvents ? [{ expressions: report }] : []), accept(one.reason)];
}

function deny(one: LoggedVerdict, { logGroup }: ExitOptions): Rule[] {
  return [{ expressions: [count(one.reason, 'denied'), log(one, logGroup), verdict('drop')] }];
}

function log(one: LoggedVerdict, group: number): Expression {
  return { kind: 'log', group, prefix: prefixOf(one), snapLength };
}

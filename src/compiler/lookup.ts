/** Verdicts from a Program alone, as program.ts defines them: what any datapath holding its tables must answer. */
import type { Address } from '../objects/ip.ts';
import type { Flow, Reason } from '../policy/verdict.ts';
import { PrefixTable } from './prefix-table.ts';
import { anyProtocol } from './program.ts';
import type { AddressEntry, IdentityId, PortEntry, Program, RuleId, SetId } from './program.ts';

/** One direction's answer. `set` is 0 where no set was asked. */
export interface Outcome {
  readonly allowed: boolean;
  readonly reason: Reason;
  readonly rule: RuleId;
  readonly set: SetId;
}

export interface ProgramVerdict {
  readonly allowed: boolean;
  readonly egress: Outcome;
  readonly ingress: Outcome;
}

export function lookup(program: Program, flow: Flow): ProgramVerdict {
  const source = program.addresses.get(flow.source.text);
  const destination = program.addresses.get(flow.destination.text);
  const egress = judgeEgress();
  const ingress = judgeIngress();
  return { allowed: egress.allowed && ingress.allowed, egress, ingress };

  function judgeEgress(): Outcome {
    if (source?.owner.kind !== 'pod') return exempt('no-subject');
    if (samePod(source, destination)) return exempt('self');
    return judge(source.egressSet, destination?.identity ?? identityOf(program, flow.destination));
  }

  function judgeIngress(): Outcome {
    if (destination?.owner.kind !== 'pod') return exempt('no-subject');
    if (samePod(source, destination)) return exempt('self');
    if (source?.owner.kind === 'node' && source.owner.node === destination.owner.node) return exempt('node');
    return judge(destination.ingressSet, source?.identity ?? identityOf(program, flow.source));
  }

  function judge(set: SetId, identity: IdentityId): Outcome {
    if (set === 0) return exempt('not-isolated');
    const classes = program.sets.get(set)?.classes;
    const found = classes?.get(identity) ?? classes?.get(0);
    const ports = found === undefined ? [] : (program.classes.get(found)?.ports ?? []);
    return outcome(set, decide(ports, flow));
  }
}

export function exempt(reason: Reason): Outcome {
  return { allowed: true, reason, rule: 0, set: 0 };
}

/** What a set's port entry (or its absence) means. */
export function outcome(set: SetId, entry: Pick<PortEntry, 'allow' | 'rule'> | undefined): Outcome {
  const allowed = entry?.allow ?? false;
  const rule = entry?.rule ?? 0;
  return { allowed, rule, set, reason: rule ? 'rule' : allowed ? 'not-isolated' : 'default-deny' };
}

function samePod(a: AddressEntry | undefined, b: AddressEntry | undefined): boolean {
  return a?.owner.kind === 'pod' && b?.owner.kind === 'pod' && a.owner.pod === b.owner.pod;
}

/** The longest prefix of the protocol, else the any-protocol entry. */
function decide(ports: readonly PortEntry[], flow: Flow): PortEntry | undefined {
  let best = ports.find(({ protocol }) => protocol === anyProtocol);
  for (const entry of ports) {
    // Sorted by port, then length: of nested prefixes that hold the port, the last is the longest.
    if (entry.protocol === flow.protocol && entry.protocol !== anyProtocol && holds(entry, flow.port))
      best = entry;
  }
  return best;
}

function holds({ port, prefixLength }: PortEntry, wanted: number): boolean {
  const ignored = 16 - prefixLength;
  return wanted >> ignored === port >> ignored;
}

const prefixTables = new WeakMap<Program, PrefixTable<IdentityId>>();

function identityOf(program: Program, address: Address): IdentityId {
  let table = prefixTables.get(program);
  if (!table) {
    table = new PrefixTable();
    for (const { cidr, identity } of program.cidrs) table.set(cidr, identity);
    prefixTables.set(program, table);
  }
  return table.match(address) ?? 0;
}

/**
 * What the kernel holds, as rows: it says in a log message what it decided, but not by which rule; the same lookups in the
 * same tables tell.
 */
import type { ClassId, IdentityId, RuleId, SetId } from '../../compiler/program.ts';
import { PrefixTable } from '../../compiler/prefix-table.ts';
import type { AddressValue, CidrRow, Delta } from '../../compiler/tables.ts';
import type { Address } from '../../objects/ip.ts';
import type { DatapathReason } from '../datapath.ts';
import { codes, ruleOf } from './decision.ts';
import { nextCidrs, portTables } from './entries-of-delta.ts';
import type { PortTable } from './port-ranges.ts';

export interface HeldDecision {
  readonly reason: DatapathReason;
  readonly rule: RuleId;
  readonly set: SetId;
}

/** Of a flow that somebody asks about; no ports: 0. */
export interface HeldFlow {
  readonly source: Address;
  readonly destination: Address;
  readonly protocol: number;
  readonly port: number;
}

const noSubject: HeldDecision = { reason: 'no-subject', rule: 0, set: 0 };

export class HeldTables {
  readonly #addresses = new Map<string, AddressValue>();
  #cidrs: ReadonlyMap<string, CidrRow> = new Map();
  /** Made when first needed after a change. */
  #prefixes: PrefixTable<IdentityId> | undefined;
  readonly #classes = new Map<string, ClassId>();
  readonly #ports = new Map<ClassId, PortTable>();

  apply({ add, stage, sweep }: Delta): void {
    for (const { addresses, to } of stage.addresses) {
      for (const { text } of addresses) {
        if (to) this.#addresses.set(text, to);
        else this.#addresses.delete(text);
      }
    }
    if (stage.cidrs.length > 0) {
      this.#cidrs = nextCidrs(this.#cidrs, stage.cidrs);
      this.#prefixes = undefined;
    }
    for (const { set, identity } of sweep.classes) this.#classes.delete(`${set}:${identity}`);
    for (const row of add.classes) this.#classes.set(`${row.set}:${row.identity}`, row.class);
    for (const row of sweep.ports) this.#ports.delete(row.class);
    for (const table of portTables(add.ports)) this.#ports.set(table.class, table);
  }

  judge(flow: HeldFlow): { readonly egress: HeldDecision; readonly ingress: HeldDecision } {
    const source = this.#addresses.get(flow.source.text);
    const destination = this.#addresses.get(flow.destination.text);
    return {
      egress:
        source?.role === 'local-pod' ? this.#decide(source.egressSet, flow.destination, flow) : noSubject,
      ingress:
        destination?.role === 'local-pod'
          ? this.#decide(destination.ingressSet, flow.source, flow)
          : noSubject,
    };
  }

  #decide(set: SetId, peer: Address, flow: HeldFlow): HeldDecision {
    if (set === 0) return { reason: 'not-isolated', rule: 0, set };
    const identity = this.#identityOf(peer);
    const id = this.#classes.get(`${set}:${identity}`) ?? this.#classes.get(`${set}:0`);
    const table = id === undefined ? undefined : this.#ports.get(id);
    const decision = table && decisionIn(table, flow);
    if (decision === undefined) return { reason: 'default-deny', rule: 0, set };
    const rule = ruleOf(decision);
    if (rule !== 0) return { reason: 'rule', rule, set };
    return { reason: decision === codes.allowByDefault ? 'not-isolated' : 'default-deny', rule, set };
  }

  #identityOf(address: Address): IdentityId {
    const exact = this.#addresses.get(address.text);
    if (exact) return exact.identity;
    if (!this.#prefixes) {
      this.#prefixes = new PrefixTable();
      for (const { cidr, identity } of this.#cidrs.values()) this.#prefixes.set(cidr, identity);
    }
    return this.#prefixes.match(address) ?? 0;
  }
}

function decisionIn({ exact, ranges, any }: PortTable, { protocol, port }: HeldFlow): number | undefined {
  const single = exact.find((entry) => entry.protocol === protocol && entry.first === port);
  const range = ranges.find(
    (entry) => entry.protocol === protocol && entry.first <= port && port <= entry.last,
  );
  return (single ?? range)?.decision ?? any;
}

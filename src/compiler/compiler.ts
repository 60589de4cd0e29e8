/**
 * Cluster and policies → Program. Every compile starts from the whole cluster; what lives on between compiles is only
 * which content has which id, so that the tables of two programs differ where the policies do and nowhere else.
 */
import type { Address } from '../objects/ip.ts';
import type { Cluster } from '../objects/model.ts';
import type { Origin, Policy } from '../policy/ir.ts';
import { cutIntoCells } from './cidr-cells.ts';
import type { Cell } from './cidr-cells.ts';
import { ClassTables } from './classes.ts';
import type { Identity } from './classes.ts';
import { Interner, Slots } from './interner.ts';
import { PrefixTable } from './prefix-table.ts';
import { Predicates } from './predicates.ts';
import type { NamedPorts, PredicateId } from './predicates.ts';
import { profilePods } from './profiles.ts';
import type { Profile } from './profiles.ts';
import type {
  AddressEntry,
  CidrEntry,
  ClassEntry,
  ClassId,
  IdentityId,
  Program,
  RuleId,
  SetEntry,
  SetId,
} from './program.ts';
import { ruleKey } from './sections.ts';
import { assignSets } from './subjects.ts';
import type { Subjects } from './subjects.ts';

const notIsolated: SetId = 0;

export class Compiler {
  readonly #rules = new Slots();
  readonly #predicates = new Interner<PredicateId>();
  readonly #sections = new Interner<number>();
  readonly #sets = new Interner<SetId>();
  readonly #identities = new Interner<IdentityId>();
  readonly #ids = [this.#rules, this.#predicates, this.#sections, this.#sets, this.#identities];
  readonly #classTables = new ClassTables();

  /**
   * The first compile of a Compiler depends on its arguments only, not on the order of the policies or of the
   * cluster's maps. Policy ids must be unique.
   */
  compile(cluster: Cluster, policies: readonly Policy[]): Program {
    for (const ids of this.#ids) ids.startRound();
    const ordered = policies.toSorted(byTierOrderId);
    const rules = this.#numberRules(ordered);
    const ruleIds = new Map([...rules].map(([id, origin]) => [ruleKey(origin), id]));
    const pods = profilePods(cluster, ordered);
    const predicates = new Predicates(this.#predicates);
    const subjects = assignSets(
      pods.map(({ profile }) => profile),
      ordered,
      { predicates, ruleIds, sections: this.#sections, sets: this.#sets },
    );
    const space = new IdentitySpace(predicates, this.#identities);
    const addresses = new Map<string, AddressEntry>();
    for (const { pod, profile } of pods) {
      const { ingress, egress } = subjects.byProfile.get(profile) ?? {
        ingress: notIsolated,
        egress: notIsolated,
      };
      for (const address of pod.addresses) {
        if (addresses.has(address.text)) continue;
        const identity = space.ofPod(profile, address);
        const owner = { kind: 'pod', pod: pod.key, node: pod.node } as const;
        addresses.set(address.text, { address, identity, ingressSet: ingress, egressSet: egress, owner });
      }
    }
    for (const node of [...cluster.nodes.keys()].sort()) {
      for (const address of cluster.nodes.get(node)?.addresses ?? []) {
        if (addresses.has(address.text)) continue;
        const identity = space.ofAddress(address);
        const owner = { kind: 'node', node } as const;
        const sets = { ingressSet: notIsolated, egressSet: notIsolated };
        addresses.set(address.text, { address, identity, ...sets, owner });
      }
    }
    const cidrs = space.cidrs();
    const { sets, classes } = this.#classify(subjects, space.identities);
    return { addresses, cidrs, sets, classes, rules, identities: space.describe() };
  }

  /**
   * For when the last compile came to nothing: the datapath refused its program and holds what the one before it says.
   * That one's ids must go on meaning what they mean.
   */
  takeBack(): void {
    for (const ids of this.#ids) ids.takeBackRound();
    this.#classTables.takeBackRound();
  }

  /** Rules that select nobody now count too: their counters must outlive a moment without pods. */
  #numberRules(policies: readonly Policy[]): Map<RuleId, Origin> {
    const sections = policies.flatMap(({ ingress, egress }) => [ingress, egress]);
    const origins = sections.flatMap((section) => section?.rules.map(({ origin }) => origin) ?? []);
    return new Map(origins.map((origin) => [this.#rules.slot(ruleKey(origin)), origin]));
  }

  #classify(
    subjects: Subjects,
    identities: ReadonlyMap<IdentityId, Identity>,
  ): { sets: Map<SetId, SetEntry>; classes: Map<ClassId, ClassEntry> } {
    this.#classTables.startRound(identities);
    const sets = new Map<SetId, SetEntry>();
    const classes = new Map<ClassId, ClassEntry>();
    for (const { id, tiers, isolatedBy } of subjects.sets.values()) {
      const { ids, entries } = this.#classTables.classify(id, tiers);
      for (const entry of entries) classes.set(entry.id, entry);
      sets.set(id, { id, classes: ids, isolatedBy });
    }
    return { sets, classes };
  }
}

/** Gives every address the identity of exactly what it satisfies. */
class IdentitySpace {
  readonly identities = new Map<IdentityId, Identity>();
  readonly #predicates: Predicates;
  readonly #ids: Interner<IdentityId>;
  readonly #cells;
  readonly #byProfile = new Map<Profile, ProfileIdentities>();
  readonly #byCell = new Map<Cell, IdentityId>();

  /** All predicates must be registered before. */
  constructor(predicates: Predicates, ids: Interner<IdentityId>) {
    this.#predicates = predicates;
    this.#ids = ids;
    this.#cells = cutIntoCells(predicates.blocks);
  }

  ofPod(profile: Profile, address: Address): IdentityId {
    let own = this.#byProfile.get(profile);
    if (!own) this.#byProfile.set(profile, (own = this.#satisfiedBy(profile)));
    const cell = this.#cells.table.match(address);
    let id = own.byCell.get(cell);
    if (id === undefined)
      own.byCell.set(
        cell,
        (id = this.#identify([...own.predicates, ...(cell?.predicates ?? [])], own.ports)),
      );
    return id;
  }

  ofAddress(address: Address): IdentityId {
    const cell = this.#cells.table.match(address);
    return cell ? this.#ofCell(cell) : 0;
  }

  /** Only the prefixes that say something else than the shorter prefix around them. */
  cidrs(): Map<string, CidrEntry> {
    const entries = new Map<string, CidrEntry>();
    const kept = new PrefixTable<IdentityId>();
    for (const cell of this.#cells.all) {
      const identity = this.#ofCell(cell);
      if (identity === (kept.cover(cell.cidr) ?? 0)) continue;
      kept.set(cell.cidr, identity);
      entries.set(cell.cidr.text, { cidr: cell.cidr, identity });
    }
    return entries;
  }

  describe(): Map<IdentityId, readonly string[]> {
    return new Map(
      this.identities
        .values()
        .map(({ id, predicates }) => [id, predicates.map((each) => this.#predicates.text(each)).sort()]),
    );
  }

  #satisfiedBy({ namespace, namespaceLabels, labels, ports }: Profile): ProfileIdentities {
    const asked = [...ports].filter(([name]) => this.#predicates.portNames.has(name));
    const numbers = asked.flatMap(([name, list]) => list.map((port) => this.#predicates.ofPort(name, port)));
    const predicates = [...this.#predicates.pods.find(namespace, namespaceLabels, labels), ...numbers];
    return { predicates, ports: new Map(asked), byCell: new Map() };
  }

  #ofCell(cell: Cell): IdentityId {
    let id = this.#byCell.get(cell);
    if (id === undefined) this.#byCell.set(cell, (id = this.#identify(cell.predicates, new Map())));
    return id;
  }

  #identify(satisfied: readonly PredicateId[], ports: NamedPorts): IdentityId {
    if (satisfied.length === 0) return 0;
    const predicates = satisfied.toSorted((a, b) => a - b);
    const id = this.#ids.intern(predicates.join(','), (fresh) => fresh);
    if (!this.identities.has(id)) this.identities.set(id, { id, predicates, ports });
    return id;
  }
}

interface ProfileIdentities {
  /** Apart from blocks, which depend on the address. */
  readonly predicates: readonly PredicateId[];
  readonly ports: NamedPorts;
  readonly byCell: Map<Cell | undefined, IdentityId>;
}

function byTierOrderId(a: Policy, b: Policy): number {
  return a.tier - b.tier || a.order - b.order || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

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
import { Interner, Slots } from './interner.ts';
import { Predicates } from './predicates.ts';
import type { NamedPorts, PredicateId } from './predicates.ts';
import { profilePods } from './profiles.ts';
import type { Profile } from './profiles.ts';
import type {
  AddressEntry,
  CidrEntry,
  ClassEntry,
  ClassId,
  Identity,
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
    const { questions } = predicates;
    return { addresses, cidrs, sets, classes, rules, identities: space.identities, questions };
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
      const { ids, entries } = this.#classTables.classify(tiers);
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
        (id = this.#identify(
          [...own.predicates, ...(cell?.predicates ?? [])].sort((a, b) => a - b),
          own.ports,
        )),
      );
    return id;
  }

  ofAddress(address: Address): IdentityId {
    return this.#identify(this.#cells.table.match(address)?.predicates ?? [], noPorts);
  }

  cidrs(): CidrEntry[] {
    return this.#cells.all.flatMap(({ cidr, around, predicates }) =>
      sameItems(predicates, around?.predicates ?? [])
        ? []
        : [{ cidr, identity: this.#identify(predicates, noPorts) }],
    );
  }

  #satisfiedBy({ namespace, namespaceLabels, labels, ports }: Profile): ProfileIdentities {
    const asked = [...ports].filter(([name]) => this.#predicates.portNames.has(name));
    const numbers = asked.flatMap(([name, list]) => list.map((port) => this.#predicates.ofPort(name, port)));
    const predicates = [...this.#predicates.pods.find(namespace, namespaceLabels, labels), ...numbers];
    return { predicates, ports: new Map(asked), byCell: new Map() };
  }

  /** `predicates` ascending. */
  #identify(predicates: readonly PredicateId[], ports: NamedPorts): IdentityId {
    if (predicates.length === 0) return 0;
    const id = this.#ids.intern(predicates.join(','), (fresh) => fresh);
    if (!this.identities.has(id)) this.identities.set(id, { id, predicates, ports });
    return id;
  }
}

const noPorts: NamedPorts = new Map();

interface ProfileIdentities {
  /** Apart from blocks, which depend on the address. */
  readonly predicates: readonly PredicateId[];
  readonly ports: NamedPorts;
  readonly byCell: Map<Cell | undefined, IdentityId>;
}

function byTierOrderId(a: Policy, b: Policy): number {
  return a.tier - b.tier || a.order - b.order || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

function sameItems<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index]);
}

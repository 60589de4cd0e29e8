/**
 * The compiler that follows a cluster: told what changed, it says what each of its nodes has to change. Work grows
 * with what a change touches; the tables that result are those of a fresh compile (compiler.ts), apart from the
 * numbers behind which contents stand.
 *
 * Only what local pods need is compiled: rules that select none of them tell nobody apart.
 *
 * An update goes through these, each of which touches only what the one before it changed:
 *   pods, policies → profiles → sets of local profiles → predicates → cells, identities → each node's rows
 */
import type { Labels, Namespace, Node, Pod } from '../../objects/model.ts';
import type { Direction, Policy } from '../../policy/ir.ts';
import { matchesSelector } from '../../policy/selector.ts';
import { PodIndex } from '../pod-index.ts';
import type { NamedPorts } from '../predicates.ts';
import { namedPorts } from '../profiles.ts';
import type { Legend } from '../program.ts';
import type { Delta, NodeTables } from '../tables.ts';
import type { ClusterChange } from './change.ts';
import { ClassPool } from './class-pool.ts';
import { byTierOrderId, LiveSections, originsOf, saysTheSame } from './live-policies.ts';
import type { PolicyState } from './live-policies.ts';
import { LivePods } from './live-pods.ts';
import { LivePredicates } from './live-predicates.ts';
import { nodeOf } from './model.ts';
import type { Held, Profile } from './model.ts';
import { NodeView } from './node-view.ts';
import { Peers } from './peers.ts';
import { RuleIds } from './rule-ids.ts';
import { RuleSets } from './rule-sets.ts';
import type { RuleSet } from './rule-sets.ts';

const directions: readonly Direction[] = ['ingress', 'egress'];

/** Absent: no spare sets, no limit. */
export interface LiveOptions {
  /**
   * Number of sets that a node holds without having pods of them: those that its last pods of them left behind, as pods
   * are most often replaced by their like, and those of pods that the scheduler has given it and that have no address
   * yet. When such a pod comes, nothing but an address changes. The node holds the rows of such a set, and tells
   * addresses apart for it; no packet finds the difference. It goes when a policy of it does, or when there are more than
   * this and nothing waits: with the next update in which no address comes or goes.
   */
  readonly spareSets?: number;
  /**
   * Number of port rows that the classes of all sets may have. Rules that overlap, each with ports of its own, have as
   * many as the square of their number.
   */
  readonly portRows?: number;
}

export class LiveCompiler {
  readonly #spareSets: number;
  readonly #ruleIds = new RuleIds();
  readonly #predicates = new LivePredicates();
  readonly #sections = new LiveSections(this.#predicates, this.#ruleIds);
  readonly #sets: RuleSets;
  readonly #peers = new Peers();
  readonly #policies = new Map<string, PolicyState>();
  readonly #selecting = new PodIndex<PolicyState>();
  readonly #nodes = new Map<string, Node>();
  readonly #views = new Map<string, NodeView>();
  /** Those with local pods. */
  readonly #local = new Set<Profile>();
  /** Whose policies may be others now. */
  readonly #subjects = new Set<Profile>();
  /** That must find their predicates. */
  readonly #unknown = new Set<Profile>();
  readonly #unplaced = new Set<Held>();
  /** Pods without an address, on followed nodes. */
  #awaited: Pod[] = [];
  /** Whether an address has come or gone. */
  #isMoving = false;
  /** Whose policies are others now. */
  readonly #resubjected = new Set<Profile>();
  readonly #pods = new LivePods({
    gained: (held) => this.#gained(held),
    losing: (held) => this.#losing(held),
    fresh: (profile) => this.#unknown.add(profile),
    unused: (profile) => this.#unknown.delete(profile),
    awaited: (pod) => {
      if (this.#spareSets > 0 && this.#views.has(pod.node)) this.#awaited.push(pod);
    },
  });

  constructor({ spareSets = 0, portRows = Infinity }: LiveOptions = {}) {
    this.#spareSets = spareSets;
    this.#sets = new RuleSets(this.#sections, new ClassPool(portRows));
  }

  /** From now on its pods are local; its first delta comes with the next update. */
  addNode(name: string): void {
    if (this.#views.has(name)) throw new Error(`node ${name} is followed already`);
    const view = new NodeView(name, { peers: this.#peers, held: this.#pods.held });
    view.setPodRanges(this.#nodes.get(name)?.podCIDRs ?? []);
    this.#views.set(name, view);
    for (const { owner } of this.#pods.held.values()) {
      if (nodeOf(owner) === name && owner.kind === 'pod') this.#count(owner.profile, name, 1);
    }
  }

  removeNode(name: string): void {
    if (!this.#views.has(name)) return;
    for (const profile of this.#local) this.#count(profile, name, -(profile.local.get(name) ?? 0));
    this.#views.get(name)?.sets.keepSpares(0, this.#sets);
    this.#views.delete(name);
  }

  /** The node's tables, which go on changing with every update. */
  tables(node: string): NodeTables | undefined {
    return this.#views.get(node)?.tables;
  }

  /** As of now. */
  legend(): Legend {
    const sets: IteratorObject<RuleSet> = Iterator.from(this.#sets.all);
    return {
      rules: new Map(this.#ruleIds.origins),
      sets: new Map(sets.map((set) => [set.id, { isolatedBy: set.isolatedBy }])),
    };
  }

  /** Policy ids must be unique. */
  update(change: ClusterChange): void {
    this.#ruleIds.startUpdate();
    this.#remakeCutSets();
    for (const [name, namespace] of change.namespaces ?? []) this.#setNamespace(name, namespace);
    const mentioned = { labels: new Set<string>(), ports: new Set<string>() };
    for (const [id, policy] of change.policies ?? []) this.#setPolicy(id, policy, mentioned);
    if (mentioned.labels.size + mentioned.ports.size > 0) {
      this.#pods.profileAgain(mentioned.labels, mentioned.ports);
    }
    for (const [name, node] of change.nodes ?? []) this.#setNode(name, node);
    for (const [key, pod] of change.pods ?? []) this.#setPod(key, pod);
    this.#settleAll(this.#isMoving && this.#spareSets > 0 ? Infinity : this.#spareSets);
    this.#isMoving = false;
  }

  /** Policies have more port rows than there may be: the deltas are none until some of them are withdrawn. */
  get isCut(): boolean {
    return Iterator.from(this.#sets.all).some((set) => set.isCut);
  }

  /** False if no node has any. For when a node has no room. */
  dropSpares(): boolean {
    if (![...this.#views.values()].some((view) => view.sets.hasSpares)) return false;
    this.#settleAll(0);
    return true;
  }

  /** Node → how its tables differ from those last accepted. */
  deltas(): ReadonlyMap<string, Delta> {
    return new Map([...this.#views].map(([name, view]) => [name, view.delta()]));
  }

  /** All nodes hold what the deltas led to: the next ones start from there. */
  accept(): void {
    for (const view of this.#views.values()) view.accept();
  }

  #settleAll(spareSets: number): void {
    this.#settle(spareSets);
    if (!this.#sets.areCrowded) return;
    const used = new Set(this.#views.values().flatMap(({ classes }) => classes));
    if (!this.#sets.makeRoom(used) || !this.isCut) return;
    this.#remakeCutSets();
    this.#settle(spareSets);
  }

  #remakeCutSets(): void {
    if (!this.isCut) return;
    for (const profile of this.#local) {
      if (directions.some((direction) => profile.sets[direction]?.isCut)) this.#subjects.add(profile);
    }
  }

  #setNamespace(name: string, namespace: Namespace | undefined): void {
    const known = this.#pods.namespaces.get(name);
    if (!this.#pods.setNamespace(name, namespace?.labels)) return;
    this.#predicates.forget(name);
    this.#selecting.forget(name);
    for (const profile of known?.profiles.all ?? []) {
      profile.predicates = undefined;
      this.#unknown.add(profile);
    }
    for (const profile of this.#local) if (profile.namespace === known) this.#subjects.add(profile);
  }

  #setPolicy(
    id: string,
    policy: Policy | undefined,
    mentioned: { readonly labels: Set<string>; readonly ports: Set<string> },
  ): void {
    const known = this.#policies.get(id);
    if (known?.policy === policy) return;
    if (known && policy && saysTheSame(known.policy, policy)) {
      known.policy = policy;
      for (const origin of originsOf(policy)) this.#ruleIds.add(origin);
      return;
    }
    if (known) {
      known.isGone = true;
      this.#policies.delete(id);
      this.#selecting.remove(known.policy.subject, known);
      for (const origin of originsOf(known.policy)) this.#ruleIds.remove(origin);
      this.#touchSubjects(known.policy);
    }
    if (!policy) return;
    const state: PolicyState = { policy, isGone: false, sections: {} };
    this.#policies.set(id, state);
    this.#selecting.add(policy.subject, state);
    for (const origin of originsOf(policy)) this.#ruleIds.add(origin);
    this.#touchSubjects(policy);
    const { labels, ports } = this.#pods.mentioned;
    const before = { labels: new Set(labels), ports: new Set(ports) };
    this.#pods.mentioned.add(policy);
    for (const label of labels.difference(before.labels)) mentioned.labels.add(label);
    for (const port of ports.difference(before.ports)) mentioned.ports.add(port);
  }

  #setNode(name: string, node: Node | undefined): void {
    if (node) this.#nodes.set(name, node);
    else this.#nodes.delete(name);
    this.#pods.setNode(name, node?.addresses ?? []);
    this.#views.get(name)?.setPodRanges(node?.podCIDRs ?? []);
  }

  #setPod(key: string, pod: Pod | undefined): void {
    this.#pods.setPod(key, pod);
  }

  #touchSubjects({ subject: { namespaces, pods } }: Policy): void {
    for (const profile of this.#local) {
      const { name, labels } = profile.namespace;
      const isThere =
        namespaces.kind === 'name'
          ? namespaces.name === name
          : labels !== undefined && matchesSelector(namespaces.selector, labels);
      if (isThere && matchesSelector(pods, profile.labels)) this.#subjects.add(profile);
    }
  }

  #gained(held: Held): void {
    this.#isMoving = true;
    this.#unplaced.add(held);
    const { owner } = held;
    if (owner.kind === 'pod') this.#count(owner.profile, owner.pod.node, 1);
  }

  #losing(held: Held): void {
    this.#isMoving = true;
    if (!this.#unplaced.delete(held)) this.#peers.displace(held);
    const { owner } = held;
    if (owner.kind === 'pod') this.#count(owner.profile, owner.pod.node, -1);
  }

  /** Counts addresses of the profile's pods on the node; only followed nodes count. */
  #count(profile: Profile, node: string, difference: number): void {
    const view = this.#views.get(node);
    if (!view || difference === 0) return;
    const before = profile.local.get(node) ?? 0;
    const count = before + difference;
    if (count > 0) profile.local.set(node, count);
    else profile.local.delete(node);
    for (const direction of directions) {
      const set = profile.sets[direction];
      if (set && before === 0) view.sets.retain(set);
      if (set && count === 0) view.sets.release(set);
    }
    if (profile.local.size > 0) {
      if (!this.#local.has(profile)) this.#subjects.add(profile);
      this.#local.add(profile);
    } else {
      this.#local.delete(profile);
      this.#subjects.add(profile);
    }
  }

  #settle(spareSets: number): void {
    for (const profile of this.#subjects) this.#assignSets(profile);
    this.#subjects.clear();
    for (const pod of this.#awaited) this.#prepare(pod);
    this.#awaited = [];
    for (const view of this.#views.values()) view.sets.keepSpares(spareSets, this.#sets);
    this.#sets.settle();
    this.#sections.settle();
    const touch = (profile: Profile) => this.#peers.touch(profile);
    const { added, removed } = this.#predicates.settle(this.#pods.namespaces, touch);
    for (const profile of this.#unknown) {
      this.#predicates.find(profile);
      profile.namespace.profiles.add(profile);
      touch(profile);
    }
    this.#unknown.clear();
    this.#peers.changeBlocks(added, removed);
    for (const held of this.#unplaced) this.#peers.place(held);
    this.#unplaced.clear();
    const changes = { peers: this.#peers.settle(), resubjected: this.#resubjected };
    for (const view of this.#views.values()) view.settle(changes);
    this.#resubjected.clear();
    this.#pods.settle();
    this.#sets.bury();
  }

  /** New ones are retained before old ones are let go, so that what stays is not made again. */
  #assignSets(profile: Profile): void {
    const before = { ...profile.sets };
    const isLocal = profile.local.size > 0;
    const { namespace, labels, ports } = profile;
    const policies = isLocal ? this.#policiesOf(namespace.name, labels) : [];
    for (const direction of directions) {
      profile.sets[direction] = this.#retainSet(policies, direction, ports);
    }
    for (const direction of directions) this.#replaceSet(profile, before[direction], profile.sets[direction]);
    const isOther = directions.some((direction) => before[direction] !== profile.sets[direction]);
    if (isOther) this.#resubjected.add(profile);
  }

  /** Has the pod's node hold its sets before it has an address. */
  #prepare(pod: Pod): void {
    const policies = this.#policiesOf(pod.namespace, pod.labels);
    const ports = namedPorts(pod, this.#pods.mentioned);
    for (const direction of directions) {
      const set = this.#retainSet(policies, direction, ports);
      if (!set) continue;
      this.#views.get(pod.node)?.sets.prepare(set, this.#sets);
      this.#sets.release(set);
    }
  }

  #policiesOf(namespace: string, labels: Labels): PolicyState[] {
    const namespaceLabels = this.#pods.namespaces.get(namespace)?.labels;
    return this.#selecting.find(namespace, namespaceLabels, labels).sort(byTierOrderId);
  }

  #retainSet(policies: readonly PolicyState[], direction: Direction, ports: NamedPorts): RuleSet | undefined {
    const sections = policies.flatMap((policy) => this.#sections.of(policy, direction) ?? []);
    return this.#sets.retain(sections, ports);
  }

  #replaceSet(profile: Profile, before: RuleSet | undefined, now: RuleSet | undefined): void {
    for (const node of profile.local.keys()) {
      const view = this.#views.get(node);
      if (now) view?.sets.retain(now);
      if (before) view?.sets.release(before);
    }
    if (before) this.#sets.release(before);
  }
}

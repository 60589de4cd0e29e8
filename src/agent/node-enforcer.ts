/**
 * One node of a real cluster: follows what the API server says, and has the node's datapath take each change. What
 * the cluster is can't be refused, only what policies make of it. So where a change does not fit, pods, namespaces and
 * nodes go first, with the policies of before and new ones closed; then each changed policy by itself. One that still
 * does not fit stays as it was, or, where it never was in force, closes the pods that it selects (refused-policy.ts).
 * Namespaces that hold the most of the datapath's room make way for others (room.ts).
 */
import { deltaSize } from '../compiler/delta.ts';
import type { ClusterChange } from '../compiler/live/change.ts';
import { LiveCompiler } from '../compiler/live/live-compiler.ts';
import type { Legend } from '../compiler/program.ts';
import type { Delta, NodeTables } from '../compiler/tables.ts';
import type { Counters, Datapath, Drift } from '../datapath/datapath.ts';
import { DatapathFull } from '../datapath/datapath-full.ts';
import type { BulkheadError } from '../errors.ts';
import type { Snapshot } from '../observe/history.ts';
import type { Policy } from '../policy/ir.ts';
import { OpenedDatapath } from './opened-datapath.ts';
import type { OpenDatapath } from './opened-datapath.ts';
import { closedVersion, insteadOf, substituteOf } from './refused-policy.ts';
import type { PolicyState, Refusal, WantedPolicy } from './refused-policy.ts';
import { namespaceOf, nextToGive, weightOf } from './room.ts';
import type { TableGrowth } from './table-growth.ts';

/** By key as in ClusterChange; policies by id. Undefined: gone. */
export interface NodeUpdate extends Omit<ClusterChange, 'policies'> {
  readonly policies?: Iterable<readonly [id: string, now: WantedPolicy | undefined]>;
}

export interface UpdateOutcome {
  /** Rows that the datapath wrote or removed. */
  readonly rows: number;
  readonly compileMs: number;
  readonly kernelMs: number;
}

type Reason = Omit<Refusal, 'enforced'>;

/** About a third of the pods that a node may have: a rolling update, or a node that is drained and filled again. */
export const spareSets = 32;
/** As many as a datapath has room for at first; to find out that there would be more takes a second or two. */
const portRows = 131_072;

/** After so many policies of a namespace that found no room the rest of it waits for the next pass. */
const patience = 8;

export class NodeEnforcer {
  readonly #node: string;
  readonly #opened: OpenedDatapath;
  readonly #compiler = new LiveCompiler({ spareSets, portRows });
  readonly #policies = new Map<string, PolicyState>();
  /** Changed policies that have not been offered, as not even pods could be written when they came. */
  readonly #unoffered = new Set<string>();
  /** Why the datapath does not hold what the cluster is; undefined: it does. */
  #behind: BulkheadError | undefined;
  #legend: Legend | undefined;
  #changes = 0;

  /** Opens the datapath. Throws BulkheadError where this machine can't. */
  constructor(node: string, open: OpenDatapath, growth?: TableGrowth) {
    this.#node = node;
    this.#compiler.addNode(node);
    this.#opened = new OpenedDatapath(open, growth, () => this.#compiler.legend().rules);
  }

  get datapath(): Datapath | undefined {
    return this.#opened.datapath;
  }

  /** Since this process began, of rules that there are. */
  counters(): Counters {
    return this.#opened.counters(this.legend.rules);
  }

  /** What the node should hold; changes with every update. */
  get tables(): NodeTables | undefined {
    return this.#compiler.tables(this.#node);
  }

  get behind(): BulkheadError | undefined {
    return this.#behind;
  }

  get refusals(): ReadonlyMap<string, Refusal> {
    const refused = new Map<string, Refusal>();
    for (const [id, { refusal }] of this.#policies) if (refusal) refused.set(id, refusal);
    return refused;
  }

  /** Grows with each change of what `judging` says. */
  get changes(): number {
    return this.#changes;
  }

  /** What explains a packet that is judged now. */
  get judging(): Omit<Snapshot, 'cluster'> {
    return {
      policies: [...this.enforcedPolicies()],
      legend: this.legend,
      refusals: { get: (id) => this.#policies.get(id)?.refusal },
    };
  }

  /** The policies that the kernel holds, in the version that it holds. */
  *enforcedPolicies(): Generator<Policy> {
    for (const { enforced } of this.#policies.values()) if (enforced) yield enforced;
  }

  /** Of the rules and sets that events name. */
  get legend(): Legend {
    return (this.#legend ??= this.#compiler.legend());
  }

  /** Never throws for what the cluster is; see `behind` and `refusals`. */
  update({ policies = [], ...rest }: NodeUpdate, now = Date.now()): UpdateOutcome {
    for (const [id, wanted] of policies) {
      this.#want(id, wanted);
      this.#unoffered.add(id);
    }
    const changed = [...this.#unoffered];
    const wanted = changed.map((id) => [id, this.#policies.get(id)?.wanted] as const);
    const outcome = this.#attempt({ ...rest, policies: wanted.map(([id, one]) => [id, one?.policy]) });
    if (this.#behind) return this.#pieceByPiece(now);
    for (const [id, one] of wanted) this.#accepted(id, one?.policy, one?.refusal);
    this.#unoffered.clear();
    return outcome;
  }

  /** Offers refused policies again: others may have made room. True if one of them took effect. */
  retryRefused(now = Date.now()): boolean {
    if (this.#behind) this.#pieceByPiece(now);
    const retried = [...this.#policies].filter(([, { wanted, refusal }]) => refusal && !wanted.refusal);
    this.#offerAll(
      retried.map(([id]) => id),
      now,
    );
    return retried.some(([id]) => this.#policies.get(id)?.refusal === undefined);
  }

  /**
   * How the kernel differs from what the last accepted change left in it, step by step. Changes may come in between; a
   * datapath that is opened anew ends it.
   */
  *audit(): Generator<readonly Drift[]> {
    const { datapath, begun } = this.#opened;
    const { tables } = this;
    if (!datapath || !begun || !tables || this.#behind) return;
    for (const drifts of datapath.audit(tables)) {
      yield drifts;
      if (this.datapath !== datapath) return;
    }
  }

  /** See Datapath.intact. */
  get intact(): boolean {
    return this.datapath?.intact() ?? true;
  }

  /**
   * Opens the datapath anew and fills it with all tables, in place of whatever it holds: after drift, or an error that
   * it can't recover from. What is in the kernel goes on enforcing until the new tables are whole.
   * Throws what opening throws; then nothing has changed.
   */
  rebuild(): UpdateOutcome {
    this.#opened.openAnew();
    this.#followAnew();
    return this.#attempt({});
  }

  /** Lets go of the datapath; the kernel goes on enforcing. */
  close(): void {
    this.#opened.close();
  }

  /** The next delta is all of the tables. */
  #followAnew(): void {
    this.#compiler.removeNode(this.#node);
    this.#compiler.addNode(this.#node);
    this.#compiler.update({});
  }

  #want(id: string, wanted: WantedPolicy | undefined): void {
    const known = this.#policies.get(id);
    if (wanted) {
      this.#policies.set(id, { wanted, enforced: known?.enforced, refusal: known?.refusal });
    } else {
      this.#policies.delete(id);
    }
  }

  #accepted(id: string, enforced: Policy | undefined, refusal: Refusal | undefined): void {
    const state = this.#policies.get(id);
    if (!state) return;
    state.enforced = enforced;
    state.refusal = refusal;
    this.#changes += 1;
  }

  /** One change, or what has gathered since the last that was accepted. Sets `behind`. */
  #attempt(change: ClusterChange): UpdateOutcome {
    const start = performance.now();
    this.#compiler.update(change);
    this.#legend = undefined;
    this.#changes += 1;
    const isCut = this.#isCut;
    const delta = isCut ? undefined : this.#compiler.deltas().get(this.#node);
    const compiled = performance.now();
    if (isCut) {
      this.#behind = new DatapathFull({ what: 'ports', capacity: portRows, fixed: true });
      return { rows: 0, compileMs: compiled - start, kernelMs: 0 };
    }
    let rows = this.#offerDelta(delta);
    if (this.#behind && this.#compiler.dropSpares()) {
      rows = this.#offerDelta(this.#compiler.deltas().get(this.#node));
    }
    while (this.#behind instanceof DatapathFull && this.#opened.grow(this.#behind.missing)) {
      if (this.#opened.tryLarger()) break;
      this.#followAnew();
      rows = this.#offerDelta(this.#compiler.deltas().get(this.#node));
    }
    if (!this.#behind) this.#compiler.accept();
    return { rows, compileMs: compiled - start, kernelMs: performance.now() - compiled };
  }

  /** Policies are so large that the compiler has given up, with or without those that are only kept ready. */
  get #isCut(): boolean {
    if (!this.#compiler.isCut) return false;
    this.#compiler.dropSpares();
    return this.#compiler.isCut;
  }

  /** Gives its size. Sets `behind`. */
  #offerDelta(delta: Delta | undefined): number {
    const rows = delta ? deltaSize(delta) : 0;
    this.#behind = delta && (rows > 0 || !this.#opened.begun) ? this.#opened.apply(delta) : undefined;
    return rows;
  }

  /** Without what changed in policies first, those that are new closed; then each of these by itself. */
  #pieceByPiece(now: number): UpdateOutcome {
    const changed = [...this.#unoffered];
    const states = changed.map((id) => [id, this.#policies.get(id)] as const);
    let outcome = this.#attempt({ policies: states.map(([id, one]) => [id, one && insteadOf(one)]) });
    if (this.#behind && states.some(([, one]) => one && !one.enforced)) {
      outcome = this.#attempt({ policies: states.map(([id, one]) => [id, one?.enforced]) });
    }
    this.#makeRoom(now);
    // Not even that: nothing is written until there is room, and every later change tries again.
    if (this.#behind) return outcome;
    this.#unoffered.clear();
    this.#offerAll(changed, now);
    return outcome;
  }

  /**
   * Each by itself, the lightest first, those that have been passed over before all. Whoever has written thousands that do
   * not fit must not hold up the changes of everybody else until each has been tried.
   */
  #offerAll(ids: readonly string[], now: number): void {
    const failed = new Map<string, number>();
    const rest: (readonly [id: string, state: PolicyState, reason: Reason])[] = [];
    const reasons = new Map<string, Reason>();
    for (const [id, state] of this.#inTurn(ids)) {
      const namespace = namespaceOf(id);
      const reason = reasons.get(namespace);
      if (reason && (failed.get(namespace) ?? 0) >= patience) {
        rest.push([id, state, reason]);
        continue;
      }
      this.#offer(id, now);
      state.isUntried = false;
      const { refusal } = state;
      if (refusal?.code !== 'DATAPATH_FULL') continue;
      failed.set(namespace, (failed.get(namespace) ?? 0) + 1);
      reasons.set(namespace, refusal);
    }
    if (rest.length > 0) this.#passOver(rest, now);
  }

  #inTurn(ids: readonly string[]): readonly (readonly [id: string, state: PolicyState])[] {
    return ids
      .flatMap((id) => {
        const state = this.#policies.get(id);
        return state ? [{ id, state, weight: weightOf(state.wanted.policy) }] : [];
      })
      .toSorted(
        (a, b) =>
          Number(b.state.isUntried ?? false) - Number(a.state.isUntried ?? false) || a.weight - b.weight,
      )
      .map(({ id, state }) => [id, state] as const);
  }

  #passOver(rest: readonly (readonly [id: string, state: PolicyState, reason: Reason])[], now: number): void {
    this.#attempt({ policies: rest.map(([id, state]) => [id, insteadOf(state)]) });
    for (const [id, state, reason] of rest) {
      const since = state.refusal?.since ?? now;
      this.#accepted(id, insteadOf(state), { ...reason, since, enforced: substituteOf(state) });
      state.isUntried = true;
    }
    this.#makeRoom(now);
  }

  /** The wanted version of one policy; where the datapath refuses it, what `refused-policy.ts` says. */
  #offer(id: string, now: number): void {
    const state = this.#policies.get(id);
    if (!state) return;
    const { wanted } = state;
    const instead = insteadOf(state);
    const substitute = substituteOf(state);
    const wanting = { id, weight: weightOf(wanted.policy) };
    const given = new Map<string, PolicyState>();
    for (let count = 1; ; count *= 2) {
      this.#attempt({ policies: [[id, wanted.policy]] });
      if (!this.#behind) return this.#accepted(id, wanted.policy, wanted.refusal);
      const reason = this.#refusal(state.refusal?.since ?? now);
      const giving = this.#isFull ? nextToGive(this.#policies, wanting).slice(0, count) : [];
      // Rows that go make room for others with the next change only.
      this.#attempt({ policies: [[id, instead]] });
      this.#accepted(id, instead, { ...reason, enforced: substitute });
      this.#makeRoom(now);
      if (this.#behind || giving.length === 0) break;
      this.#giveWay(giving, reason, given);
    }
    // It was of no use.
    if (!this.#behind) this.#restore(given);
  }

  /** Closes policies of those who hold the most, until what can't be refused has room; none where that does not help. */
  #makeRoom(now: number): void {
    const given = new Map<string, PolicyState>();
    // Tables that are filled from nothing need no room for what goes.
    if (this.#isFull && !this.#compiler.isCut) this.#reopen();
    for (let count = 1; this.#isFull; count *= 2) {
      const giving = nextToGive(this.#policies).slice(0, count);
      if (giving.length === 0) break;
      this.#giveWay(giving, this.#refusal(now), given);
      if (this.#isFull && !this.#compiler.isCut) this.#reopen();
    }
    if (this.#behind) this.#restore(given);
  }

  /** Closes policies in favour of others; `given` gets what they were. */
  #giveWay(ids: readonly string[], reason: Reason, given: Map<string, PolicyState>): void {
    const giving = ids.flatMap((id) => {
      const state = this.#policies.get(id);
      return state ? [{ id, state, closed: closedVersion(state.wanted.policy) }] : [];
    });
    this.#attempt({ policies: giving.map(({ id, closed }) => [id, closed]) });
    for (const { id, state, closed } of giving) {
      if (!given.has(id)) given.set(id, { ...state });
      this.#accepted(id, closed, { ...reason, enforced: 'closed' });
    }
  }

  #restore(given: ReadonlyMap<string, PolicyState>): void {
    if (given.size === 0) return;
    this.#attempt({ policies: [...given].map(([id, { enforced }]) => [id, enforced]) });
    for (const [id, { enforced, refusal }] of given) this.#accepted(id, enforced, refusal);
  }

  /** Where none can be opened, policies that give way may make room in the one that there is. */
  #reopen(): void {
    if (this.#opened.tryAnew()) return;
    this.#followAnew();
    this.#attempt({});
  }

  get #isFull(): boolean {
    return this.#behind?.code === 'DATAPATH_FULL';
  }

  /** Why the datapath refuses what it was given last. */
  #refusal(since: number): Reason {
    const [first] = this.#behind?.diagnostics ?? [];
    const code = this.#behind?.code ?? '';
    const message = first?.message ?? this.#behind?.message ?? code;
    return { code, message, ...(first?.hint === undefined ? {} : { hint: first.hint }), since };
  }
}

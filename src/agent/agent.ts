/**
 * The agent of one node: from the API server to the node's kernel.
 *
 * Start, fail closed. What an agent before left in the kernel goes on enforcing until this one has read everything once.
 * Where there was none, the node's pods are closed before the first word to the API server, and stay so until then.
 * Afterwards nothing that happens to the API server, to the watch or to this process opens anything: the kernel keeps
 * what it has.
 */
import { closeSync } from 'node:fs';
import type { EngineChoice } from '../datapath/engine-choice.ts';
import type { BulkheadError } from '../errors.ts';
import type { KubernetesClient } from '../kubernetes/client.ts';
import type { Node } from '../objects/model.ts';
import { FlowJournal } from '../observe/flow-journal.ts';
import { isPolicyPod } from '../policy/holder.ts';
import type { ClusterUpdate } from '../sources/api/cluster-watch.ts';
import { AgentServers } from './agent-servers.ts';
import { EventDrain } from './event-drain.ts';
import { ClaimFiles } from './gate/claim-files.ts';
import { Claims } from './gate/claims.ts';
import type { PodChanges } from './gate/claims.ts';
import { GateKeeper } from './gate/gate-keeper.ts';
import { GateServer } from './gate/gate-server.ts';
import { growingDatapath } from './growing-datapath.ts';
import { Health } from './health.ts';
import { untouchedHeap, type Heap } from './heap.ts';
import type { Condition } from './health.ts';
import { LiveCluster } from './live-cluster.ts';
import { LogLimit, ofOthers } from './log-limit.ts';
import type { Logger } from './log.ts';
import { AgentMetrics } from './metrics/agent-metrics.ts';
import { chooseNodeEngine, detachOtherEngines, enforcingEngines } from './node-datapath.ts';
import type { NodePlace } from './node-datapath.ts';
import { NodeEnforcer } from './node-enforcer.ts';
import { lockNode } from './node-lock.ts';
import { nodePolicyStatus } from './node-status.ts';
import { agentPaths } from './options.ts';
import type { AgentOptions } from './options.ts';
import { policyId, wantedPolicy } from './policy-intake.ts';
import { readPodNetwork } from './pod-network.ts';
import type { PodNetwork } from './pod-network.ts';
import { RefusalEvents } from './refusal-events.ts';
import { warnOfFailures } from './repeated-failure.ts';
import { Resync } from './resync.ts';
import { StatusWriter } from './status-writer.ts';
import { WatchKeeper } from './watch-keeper.ts';

/** Without a turn of the event loop for so long, the process counts as stuck. */
const stallMs = 30_000;
const beatMs = 1000;

export class Agent {
  readonly #options: AgentOptions;
  readonly #client: KubernetesClient;
  readonly #logger: Logger;
  /** What tenants make of their policies. */
  readonly #policyLog: Logger;
  readonly #choice: EngineChoice;
  readonly #podNetwork: PodNetwork;
  readonly #enforcer: NodeEnforcer;
  readonly #live = new LiveCluster();
  readonly #health = new Health({ stallMs });
  readonly #metrics: AgentMetrics;
  readonly #journal: FlowJournal;
  readonly #drain: EventDrain;
  readonly #servers: AgentServers;
  readonly #resync: Resync;
  readonly #watch: WatchKeeper;
  readonly #claims: Claims;
  readonly #gate: GateServer;
  /** Undefined: no gate was asked for. */
  readonly #gateKeeper: GateKeeper | undefined;
  readonly #events: RefusalEvents | undefined;
  /** This one, as the API server had it last. */
  #node: Node | undefined;
  #status: StatusWriter | undefined;
  #beat: NodeJS.Timeout | undefined;
  #version = 0;
  #localPods = 0;
  #realised = '';
  #stopped = false;
  /** Its descriptor; whoever dies lets go of it. */
  readonly #lock: number;
  readonly #place: NodePlace;
  /** Nothing enforced on this node when the agent began. */
  readonly #isFirst: boolean;
  readonly #heap: Heap;

  /**
   * Closes the node's pods where nothing enforces yet. Throws BulkheadError where this machine can't. `heap`: settled once
   * the kernel enforces what the API server said.
   */
  constructor(options: AgentOptions, client: KubernetesClient, logger: Logger, heap: Heap = untouchedHeap) {
    this.#options = options;
    this.#heap = heap;
    this.#client = client;
    this.#logger = logger;
    this.#policyLog = new LogLimit({ logger, ...ofOthers });
    const paths = agentPaths(options);
    this.#lock = lockNode(paths.lock);
    this.#choice = chooseNodeEngine(options.engine);
    const { engine, why } = this.#choice;
    this.#podNetwork = readPodNetwork(options);
    const place = { netns: options.netns, bpffs: options.bpffs, pinDir: paths.pinDir };
    this.#place = place;
    this.#isFirst = enforcingEngines(place).length === 0;
    this.#metrics = new AgentMetrics({ version: options.version, engine });
    logger.log('info', 'starting', {
      version: options.version,
      node: options.node,
      engine,
      why,
      ...this.#podNetwork.fields,
    });
    const tables = growingDatapath({
      ...place,
      engine,
      events: options.events === 'all',
      podInterfacePrefix: () => (options.startup === 'open' ? undefined : this.#podNetwork.prefix),
      memory: options.tableMemory,
      logger,
    });
    this.#enforcer = new NodeEnforcer(options.node, tables.open, tables.growth);
    if (this.#isFirst && options.startup === 'strict') {
      this.#enforcer.update({});
      logger.log('info', 'no policy was enforced on this node: its pods are closed until everything is read');
    }
    this.#events = options.publishStatus
      ? new RefusalEvents({
          client,
          node: options.node,
          onResult: warnOfFailures(logger),
        })
      : undefined;
    this.#journal = new FlowJournal(options.node, () => ({
      version: this.#version + this.#enforcer.changes,
      snapshot: { cluster: this.#live.cluster, ...this.#enforcer.judging },
    }));
    this.#drain = new EventDrain(this.#journal, () => this.#enforcer.datapath);
    this.#resync = new Resync({
      enforcer: this.#enforcer,
      logger,
      metrics: this.#metrics,
      periodMs: options.syncPeriodMs,
      changing: () => this.#drain.drain(),
      done: () => this.#noteEnforcement(),
    });
    this.#servers = new AgentServers({
      options,
      health: this.#health,
      metrics: this.#metrics,
      journal: this.#journal,
      enforcer: this.#enforcer,
      room: tables.room,
      status: () => this.#statusNow(),
      cluster: this.#live,
    });
    const claimFiles = new ClaimFiles(paths.claims);
    this.#claims = new Claims(options.node, claimFiles, claimFiles.read());
    this.#gate = new GateServer({
      path: paths.gateSocket,
      claims: this.#claims,
      logger,
      isReady: () => this.#health.ready,
      program: (pods) => this.#program(pods),
      held: (seconds) => this.#metrics.gateHold.observe(seconds),
    });
    this.#gateKeeper = options.installGate ? new GateKeeper(options, logger) : undefined;
    this.#watch = new WatchKeeper({
      client,
      options,
      logger,
      metrics: this.#metrics,
      health: this.#health,
      ownNode: (node) => this.#ownNode(node),
      update: (update) => {
        this.#update(update);
        if (!this.#health.ready) this.#firstSync();
      },
      changed: () => this.#status?.changed(),
    });
  }

  /** Returns once the servers listen; syncing goes on. */
  async start(): Promise<void> {
    await this.#servers.start();
    await this.#gate.start();
    this.#noteGate();
    this.#notePodNetwork();
    this.#drain.start();
    this.#beat = setInterval(() => {
      this.#health.beat();
      this.#watch.check();
      // Until everything is read, what is in the kernel must not be made anew.
      if (this.#health.ready && this.#podNetwork.refresh()) this.#resync.rebuild();
      this.#noteGate();
      this.#notePodNetwork();
      this.#drain.noteLost(this.#enforcer.counters().lostEvents);
    }, beatMs);
    this.#watch.start();
  }

  get health(): Health {
    return this.#health;
  }

  /** Of the TCP server. */
  get port(): number | undefined {
    return this.#servers.port;
  }

  /** The kernel goes on enforcing. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    clearInterval(this.#beat);
    this.#watch.stop();
    this.#resync.stop();
    this.#drain.stop();
    this.#events?.close();
    await this.#status?.close();
    await Promise.all([this.#servers.stop(), this.#gate.stop()]);
    this.#enforcer.close();
    this.#client.close();
    closeSync(this.#lock);
    this.#logger.log('info', 'stopped; the kernel goes on enforcing');
  }

  #ownNode(node: Node): void {
    this.#node = node;
    this.#status ??= this.#options.publishStatus
      ? new StatusWriter({
          client: this.#client,
          node: () => this.#node ?? node,
          status: () => this.#statusNow(),
          onResult: (error) => this.#noteStatus(error),
        })
      : undefined;
    this.#podNetwork.know(node);
    if (!this.#isFirst || this.#options.startup === 'open') return;
    this.#enforcer.update({ nodes: [[node.name, node]] });
    this.#noteEnforcement();
  }

  #update(update: ClusterUpdate): void {
    this.#drain.drain();
    const now = Date.now();
    const policies = [...update.networkPolicies].map(
      ([key, object]) => [policyId(key), object && wantedPolicy(object, now)] as const,
    );
    const readable = [...update.networkPolicies].map(
      ([key, object]) => [key, object?.refused === undefined ? object?.policy : undefined] as const,
    );
    this.#node = update.nodes.get(this.#options.node) ?? this.#node;
    const nodes = [...update.nodes].map(([name, node]) => [name, node && this.#podRangesOf(node)] as const);
    this.#events?.know(update.networkPolicies);
    const pods = this.#claims.told(update.pods, this.#version === 0);
    for (const [key, pod] of pods) this.#countLocal(key, pod);
    this.#live.apply({ ...update, nodes, pods, networkPolicies: readable });
    this.#version += 1;
    const outcome = this.#enforcer.update({ namespaces: update.namespaces, nodes, pods, policies }, now);
    this.#metrics.realisation.observe((performance.now() - update.arrived) / 1000);
    this.#metrics.compile.observe(outcome.compileMs / 1000);
    this.#metrics.updates.inc({ outcome: this.#enforcer.behind ? 'refused' : 'applied' });
    if (!this.#enforcer.behind) this.#realised = update.resourceVersions.networkPolicies;
    this.#logger.log('debug', 'update', {
      rows: outcome.rows,
      compileMs: outcome.compileMs,
      kernelMs: outcome.kernelMs,
    });
    this.#noteEnforcement();
    this.#status?.changed();
    this.#gate.changed();
    setImmediate(this.#heap.tidy);
  }

  /** What the gate knows of pods; gives why the kernel does not hold it. */
  #program(pods: PodChanges): string | undefined {
    this.#drain.drain();
    this.#live.apply({ pods });
    this.#version += 1;
    this.#enforcer.update({ pods });
    const { behind } = this.#enforcer;
    return behind && (behind.diagnostics[0]?.message ?? behind.message);
  }

  #firstSync(): void {
    if (this.#enforcer.behind) return;
    detachOtherEngines(this.#choice.engine, this.#place);
    this.#health.setReady();
    this.#metrics.ready.set(1);
    this.#resync.start();
    const { pods, networkPolicies } = this.#live.cluster;
    this.#logger.log('info', 'synced: the kernel enforces the policies', {
      pods: pods.size,
      localPods: this.#localPods,
      policies: networkPolicies.size,
    });
    this.#gate.changed();
    this.#heap.settle();
  }

  /** `open`: addresses that nobody has are nobody's business. */
  #podRangesOf(node: Node): Node {
    return this.#options.startup === 'open' ? { ...node, podCIDRs: [] } : node;
  }

  #countLocal(key: string, pod: Parameters<typeof isPolicyPod>[0] | undefined): void {
    const before = this.#live.cluster.pods.get(key);
    const counts = (one: typeof pod) => (one && one.node === this.#options.node && isPolicyPod(one) ? 1 : 0);
    this.#localPods += counts(pod) - counts(before);
  }

  #noteEnforcement(): void {
    const { behind, refusals } = this.#enforcer;
    const [first] = behind?.diagnostics ?? [];
    const datapath = behind
      ? { ok: false, reason: behind.code, message: first?.message ?? behind.message }
      : { ok: true, reason: 'Enforcing', message: 'the kernel holds what the API server said' };
    if (this.#health.set('datapath', datapath)) {
      this.#logger.log(behind ? 'error' : 'info', datapath.message, {
        condition: 'datapath',
        reason: datapath.reason,
      });
    }
    const names = [...refusals].map(([id, { code }]) => `${id} (${code})`);
    const policies =
      names.length === 0
        ? { ok: true, reason: 'AllRealised', message: 'every policy is enforced as it stands' }
        : {
            ok: false,
            reason: 'Refused',
            message: `${names.length} not enforced as they stand: ${names.slice(0, 5).join(', ')}`,
          };
    if (this.#health.set('policies', policies)) {
      this.#policyLog.log(policies.ok ? 'info' : 'error', policies.message, { condition: 'policies' });
    }
    this.#events?.refused(refusals);
    this.#metrics.refused.clear();
    for (const [code, same] of Map.groupBy(refusals.values(), (one) => one.code)) {
      this.#metrics.refused.set(same.length, { code });
    }
    const { cluster } = this.#live;
    this.#metrics.objects.set(cluster.pods.size, { kind: 'Pod' });
    this.#metrics.objects.set(cluster.namespaces.size, { kind: 'Namespace' });
    this.#metrics.objects.set(cluster.nodes.size, { kind: 'Node' });
    this.#metrics.objects.set(cluster.networkPolicies.size, { kind: 'NetworkPolicy' });
    this.#metrics.localPods.set(this.#localPods);
  }

  #notePodNetwork(): void {
    this.#noteCondition('network', this.#podNetwork.condition());
  }

  #noteGate(): void {
    if (this.#gateKeeper) this.#noteCondition('gate', this.#gateKeeper.keep());
  }

  #noteCondition(name: 'network' | 'gate', condition: Omit<Condition, 'since'>): void {
    if (!this.#health.set(name, condition)) return;
    this.#logger.log(condition.ok ? 'info' : 'error', condition.message, { condition: name });
    this.#status?.changed();
  }

  #noteStatus(error: BulkheadError | undefined): void {
    const [first] = error?.diagnostics ?? [];
    const condition = error
      ? { ok: false, reason: error.code, message: first?.message ?? error.message }
      : { ok: true, reason: 'Written', message: 'the status of the node is up to date' };
    if (this.#health.set('status', condition)) {
      this.#logger.log(error ? 'warn' : 'info', condition.message, { condition: 'status' });
    }
  }

  /** Bookmarks tell that nothing has happened since: without them a quiet cluster would look like an old one. */
  #realisedNow(): string {
    const { behind } = this.#enforcer;
    if (!behind && this.#health.ready) this.#realised = this.#watch.policiesVersion ?? this.#realised;
    return this.#realised;
  }

  #statusNow() {
    return nodePolicyStatus(
      {
        agentVersion: this.#options.version,
        engine: this.#choice.engine,
        agentNamespace: this.#client.connection.podNamespace,
        realisedResourceVersion: this.#realisedNow(),
        policies: this.#live.cluster.networkPolicies.size,
        localPods: this.#localPods,
        refusals: this.#enforcer.refusals,
        conditions: this.#health.conditions,
      },
      new Date(),
    );
  }
}

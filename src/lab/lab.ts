/**
 * A running lab: the objects it was given, and the kernel, network and servers brought up to them.
 *
 * Order of every change: the policies first, then links. An address is programmed before a pod can use it, and until
 * then the node's datapath drops it; a pod never sends a packet that no policy has judged.
 */
import { Enforcer } from '../agent/enforcer.ts';
import type { UpdateTimings } from '../agent/enforcer.ts';
import { lintPolicies } from '../analyze/check.ts';
import type { Datapath } from '../datapath/datapath.ts';
import { translateNetworkPolicy } from '../dialects/networkpolicy/translate.ts';
import { translatePolicies } from '../dialects/translate.ts';
import type { Diagnostic } from '../errors.ts';
import type { IpFamily } from '../objects/ip.ts';
import type { Cluster } from '../objects/model.ts';
import { FlowLog } from '../observe/flow-log.ts';
import { assembleCluster } from '../sources/assemble.ts';
import { clusterDnsManifests, hasClusterDns } from '../sources/cluster-dns.ts';
import { parseManifests } from '../sources/manifests.ts';
import { openNodeDatapath } from './datapaths.ts';
import { FlowDrain } from './flow-drain.ts';
import { LabNetwork } from './lab-network.ts';
import { nodeStatus, totalsOf } from './lab-status.ts';
import { emptyCluster, nodeChanges, withoutHeirs, withoutNodes } from './node-changes.ts';
import {
  applyObjects,
  deleteObjects,
  labelObject,
  scaleObject,
  withoutStrayLabels,
} from './object-changes.ts';
import type { ObjectChanges } from './object-changes.ts';
import type {
  ChangeResult,
  ChangeTimings,
  LabelRequest,
  Objects,
  Results,
  ScaleRequest,
} from './protocol.ts';

export interface LabSpec {
  readonly name: string;
  readonly families: readonly IpFamily[];
  /** Nodes to make where the manifests have none. */
  readonly nodes: number;
  /** What enforces on a node. Default: eBPF, by openNodeDatapath. */
  readonly openDatapath?: (lab: string, node: string) => Datapath;
}

/** After so many rounds nothing becomes faster any more. */
const rehearsals = 40;

interface Change {
  readonly objects: Objects;
  readonly cluster: Cluster;
  /** When the request came, by performance.now(). */
  readonly started: number;
  readonly progress?: (text: string) => void;
}

/** Pods need names: where the manifests bring no DNS, the lab adds what every distribution has. */
function withClusterDns(objects: Objects, cluster: Cluster): Objects {
  if (hasClusterDns(cluster)) return objects;
  return new Map([...parseManifests(clusterDnsManifests, 'cluster DNS').objects, ...objects]);
}

export class Lab {
  readonly flows = new FlowLog();
  readonly #spec: LabSpec;
  readonly #since = new Date();
  readonly #enforcer = new Enforcer();
  readonly #drain = new FlowDrain(this.flows, () => this.#enforcer.datapaths);
  readonly #network: LabNetwork;
  #objects: Objects = new Map();
  #cluster: Cluster;
  #closed = false;

  constructor(spec: LabSpec) {
    this.#spec = spec;
    this.#network = new LabNetwork(spec.name);
    this.#cluster = emptyCluster(spec.families);
  }

  get cluster(): Cluster {
    return this.#cluster;
  }

  async up(objects: Objects, progress: (text: string) => void): Promise<Results['up']> {
    const started = performance.now();
    const complete = withClusterDns(objects, this.#assemble(objects));
    const cluster = this.#assemble(complete);
    const timings = await this.#carryOut({ objects: complete, cluster, started, progress });
    this.#drain.start();
    this.#rehearse(rehearsals);
    const broughtDns = complete !== objects;
    return { totals: totalsOf(this.#cluster), broughtDns, timings, warnings: this.#warnings(objects) };
  }

  async apply(objects: Objects, started: number): Promise<ChangeResult> {
    const result = await this.#change(applyObjects(this.#objects, objects), started);
    return { ...result, warnings: this.#warnings(objects) };
  }

  async delete(keys: readonly string[], started: number): Promise<ChangeResult> {
    return this.#change(deleteObjects(this.#objects, keys), started);
  }

  async label(request: LabelRequest, started: number): Promise<ChangeResult> {
    return this.#change(labelObject(this.#objects, this.#cluster, request), started);
  }

  async scale(request: ScaleRequest, started: number): Promise<ChangeResult> {
    return this.#change(scaleObject(this.#objects, request), started);
  }

  status(): Results['status'] {
    return {
      pid: process.pid,
      since: this.#since.toISOString(),
      totals: totalsOf(this.#cluster),
      nodes: [...this.#cluster.nodes.values()].map((node) => nodeStatus(node, this.#cluster, this.#enforcer)),
      memoryBytes: process.memoryUsage.rss(),
    };
  }

  snapshot(): Results['snapshot'] {
    return { cluster: this.#cluster, ...this.#network.placements(this.#cluster) };
  }

  /** Ends servers and timers and lets go of the kernel, which goes on enforcing. */
  close(): void {
    this.#closed = true;
    this.#drain.stop();
    this.#network.close();
    this.#enforcer.close();
  }

  /**
   * Goes through what a change computes, again and again between other work: V8 compiles code that ran often,
   * and the first change of a user should not be the one that waits for that.
   */
  #rehearse(times: number): void {
    if (times === 0 || this.#closed) return;
    this.#assemble(this.#objects);
    this.#enforcer.rehearse();
    setTimeout(() => this.#rehearse(times - 1), 1).unref();
  }

  async #change({ objects, changes }: ObjectChanges, started: number): Promise<ChangeResult> {
    const before = this.#cluster.pods;
    const timings = await this.#carryOut({ objects, cluster: this.#assemble(objects), started });
    const after = this.#cluster.pods;
    return {
      changes,
      podsAdded: [...after.keys()].filter((key) => !before.has(key)),
      podsRemoved: [...before.keys()].filter((key) => !after.has(key)),
      timings,
      warnings: [],
    };
  }

  /** About the policies among the objects. */
  #warnings(objects: Objects): readonly Diagnostic[] {
    const policies = objects
      .values()
      .flatMap((object) => (object.kind === 'NetworkPolicy' ? [translateNetworkPolicy(object.policy)] : []));
    return lintPolicies(this.#cluster, [...policies]);
  }

  #assemble(objects: Objects): Cluster {
    return assembleCluster(objects, this.#spec, this.#cluster);
  }

  async #carryOut(change: Change): Promise<ChangeTimings> {
    const { objects, cluster, started, progress = () => undefined } = change;
    const assembled = performance.now();
    const kept = await this.#replaceNodes(cluster, progress);
    const ready = performance.now();
    progress(`enforcing ${cluster.networkPolicies.size} policies`);
    const withoutHeirsOfAddresses = withoutHeirs(kept, cluster);
    if (withoutHeirsOfAddresses !== cluster) {
      this.#enforce(withoutHeirsOfAddresses);
      await this.#reconcile(withoutHeirsOfAddresses);
    }
    const update = this.#enforce(cluster);
    const enforced = performance.now();
    // Whatever becomes of the network, this is what the kernel enforces now.
    this.#objects = withoutStrayLabels(objects, cluster);
    this.#cluster = cluster;
    progress(`starting ${cluster.pods.size} pods`);
    await this.#reconcile(cluster);
    return {
      ...update,
      assembleMs: assembled - started,
      nodesMs: ready - assembled,
      enforcedMs: enforced - started,
      networkMs: performance.now() - enforced,
    };
  }

  /**
   * Takes away and makes nodes, these without pods yet; gives the cluster that there is then, which also is what
   * remains if the rest of the change is refused.
   */
  async #replaceNodes(next: Cluster, progress: (text: string) => void): Promise<Cluster> {
    const { retired, fresh } = nodeChanges(this.#cluster, next);
    const kept = withoutNodes(this.#cluster, retired);
    // Fresh nodes of a change that was refused are among them.
    const gone = [...this.#enforcer.datapaths.keys()].filter((node) => !kept.nodes.has(node));
    if (gone.length > 0) {
      // The pods end before their enforcement does.
      await this.#reconcile({ ...kept, nodes: this.#cluster.nodes });
      for (const node of gone) this.#enforcer.removeNode(node);
      this.#cluster = kept;
      await this.#reconcile(kept);
    }
    if (fresh.length > 0) {
      progress(`making ${fresh.length} nodes`);
      await this.#reconcile({ ...kept, nodes: next.nodes });
      const { name, openDatapath = openNodeDatapath } = this.#spec;
      for (const node of fresh) this.#enforcer.addNode(node, openDatapath(name, node));
    }
    return kept;
  }

  async #reconcile(cluster: Cluster): Promise<void> {
    await this.#network.reconcile(cluster, translatePolicies(cluster));
  }

  #enforce(cluster: Cluster): UpdateTimings {
    // Events from before the change belong to the policies from before it.
    this.#drain.drain();
    const since = process.hrtime.bigint();
    const timings = this.#enforcer.update(cluster);
    const { enforced } = this.#enforcer;
    if (enforced) this.flows.history.add(since, enforced);
    return timings;
  }
}

/** A real cluster as an engine: changes go through its API, and every question is a connection between its pods. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubernetesClient } from '../../kubernetes/client.ts';
import { makeCidr, type Cidr, type IpFamily } from '../../objects/ip.ts';
import type { Cluster, Pod } from '../../objects/model.ts';
import { stacks, type Case, type Change, type Stack } from '../case.ts';
import { Unsuitable, type Answer, type EngineSession, type EngineState, type Question } from '../engine.ts';
import { policyManifest, serviceName } from '../manifests.ts';
import type { Models, PodPlace } from '../models.ts';
import { World } from '../world.ts';
import { misplaced } from './blocks.ts';
import { Names } from './names.ts';
import { NamespacePool } from './namespace-pool.ts';
import { askPods, type PodQuestion } from './pod-prober.ts';
import { PodPool, type LivePod } from './pod-pool.ts';
import type { WantedPod } from './pod-spec.ts';
import { PolicySync } from './policy-sync.ts';
import { findRealisation, Marker, type Realisation } from './realisation.ts';
import { reasonAgainst } from './suitable.ts';
import type { TargetNode } from './target.ts';

export interface ClusterSessionOptions {
  readonly client: KubernetesClient;
  readonly nodes: readonly TargetNode[];
  readonly models: Models;
  readonly families: readonly IpFamily[];
  readonly image: string;
  /** Of the whole run. */
  readonly run: string;
  /** Of this session; begins the names of its namespaces. */
  readonly prefix: string;
  /** Leaves everything where it is. */
  readonly keep: boolean;
}

/** Milliseconds to wait for an answer; longer if something was silent that should not have been. */
const timeouts = [300, 1000, 3000, 5000] as const;
/** How long a change may take to be in force. */
const patienceMs = 10_000;
const pauseMs = 100;
/** How many pods are made anew to get them into a block, or out of it: most CNIs give one address after the other. */
const mostMoves = 30;

/** For cells between others than pods. */
const onlyPods = 'only pods can be asked, not nodes or what is outside the cluster';

export class ClusterSession implements EngineSession {
  readonly #options: ClusterSessionOptions;
  readonly #names: Names;
  readonly #namespaces: NamespacePool;
  readonly #pods: PodPool;
  readonly #policies: PolicySync;
  readonly #marker: Marker;
  #realisation: Realisation | undefined;
  /** Pods don't get the addresses that cases need, however often they are made anew. */
  #isFixed = false;
  /** Of the case that runs: its cluster after the last step, and what stands for its pods. */
  #before: Cluster | undefined;
  #live: ReadonlyMap<string, LivePod> = new Map();

  constructor(options: ClusterSessionOptions) {
    const { client, run, image, prefix } = options;
    this.#options = options;
    const names = new Names(prefix);
    this.#names = names;
    this.#namespaces = new NamespacePool({ client, names, run });
    this.#pods = new PodPool({ client, names, run, image });
    this.#policies = new PolicySync(client, names);
    this.#marker = new Marker(client, names.namespace('marker'));
  }

  async prepare(given: Case): Promise<Models> {
    const reason = reasonAgainst(given);
    if (reason !== undefined) throw new Unsuitable(reason);
    this.#before = undefined;
    const { models } = this.#options;
    await this.#policies.apply(new Map());
    const namespaces = new Set(given.pods.map((key) => key.split('/')[0] ?? ''));
    await Promise.all([...namespaces].map(async (name) => this.#namespaces.ensure(name, { ns: name })));
    const wanted = given.pods.map((key): WantedPod => {
      const [, name = ''] = key.split('/');
      const ports = given.ports.map(({ protocol, port, name: portName }) => {
        return { protocol, containerPort: port, name: portName };
      });
      const labels = { pod: name, service: serviceName(key) };
      return { key, node: this.#hostname(models.pods.get(key)?.node ?? ''), labels, ports };
    });
    this.#live = await this.#pods.ensure(wanted);
    return this.#placed(given, wanted);
  }

  /** Makes pods anew, one after the other, until every block holds those that it should. */
  async #placed(given: Case, wanted: readonly WantedPod[]): Promise<Models> {
    const stack = stackOf(this.#options.families);
    const model = World.before(given, this.#options.models, stack);
    for (let left = mostMoves; ;) {
      const models = this.#realModels();
      const wrong = misplaced(given, { model, real: World.before(given, models, stack) });
      if (!wrong) return models;
      const movable = wanted.filter(({ key }) => wrong.includes(key));
      left -= movable.length;
      this.#isFixed ||= left < 0;
      if (this.#isFixed || movable.length < wrong.length) {
        throw new Unsuitable('its blocks need pods at other addresses');
      }
      for (const pod of movable) {
        const live = this.#live.get(pod.key);
        if (live) await this.#pods.delete(live);
        await this.#pods.ensure([pod]);
      }
      this.#live = await this.#pods.ensure(wanted);
    }
  }

  async refusal(change: Change): Promise<string | undefined> {
    if (change.kind !== 'policy' || change.verb === 'delete') throw new Error('only policies are refused');
    const manifest = policyManifest(change.name, change.body);
    return this.#policies.refusal(change.name, manifest, change.verb);
  }

  async apply({ cluster, policyManifests }: EngineState): Promise<void> {
    await this.#applyNamespaces(cluster);
    await this.#applyPods(cluster);
    await this.#policies.apply(policyManifests);
    this.#before = cluster;
    await (await this.#findRealisation()).wait();
  }

  async judge(questions: readonly Question[]): Promise<readonly Answer[]> {
    const asked = questions.map((question) => this.#podQuestion(question));
    const able = asked.filter((one) => 'probe' in one);
    const answers = await this.#askUntilRight(able);
    const byQuestion = new Map(able.map((one, index) => [one, answers[index]]));
    return asked.map((one) => ('probe' in one ? (byQuestion.get(one) ?? { verdict: 'denied' }) : one));
  }

  async close(): Promise<void> {
    if (!this.#options.keep) await this.#namespaces.close();
  }

  /**
   * Until all is as expected, or for so long that it never will be. If something was silent that should have answered, all
   * silence is in doubt; if something answered that should have been silent, the change may not be in force yet.
   */
  async #askUntilRight(questions: readonly PodQuestion[]): Promise<readonly Answer[]> {
    const deadline = performance.now() + patienceMs;
    const answers = new Map<PodQuestion, Answer>();
    const isRight = (one: PodQuestion): boolean => answers.get(one)?.verdict === one.question.expected;
    let pending = questions;
    for (let round = 0; pending.length > 0; round += 1) {
      if (round > 0) await sleep(pauseMs);
      const timeout = timeouts[Math.min(round, timeouts.length - 1)] ?? 0;
      const latest = await askPods(this.#options.client, pending, timeout);
      for (const [index, one] of pending.entries()) answers.set(one, latest[index] ?? { verdict: 'denied' });
      // On a machine with much else to do a round may take longer than all of them should; the most patient one is always asked.
      const isLast = round + 1 >= timeouts.length && performance.now() > deadline;
      const isOver = pending.every(isRight) || isLast;
      const isDoubtful = (one: PodQuestion): boolean =>
        !isRight(one) || answers.get(one)?.verdict === 'denied';
      pending = isOver ? [] : pending.filter(isDoubtful);
    }
    return questions.map((one) => answers.get(one) ?? { verdict: 'denied' });
  }

  #podQuestion(question: Question): PodQuestion | Answer {
    const { from, to, port, family } = question;
    if (from.kind !== 'pod' || to.kind !== 'pod') return { verdict: 'skipped', reason: onlyPods };
    const { protocol } = port;
    if (protocol === 'SCTP' || protocol === 'ICMP')
      return { verdict: 'skipped', reason: `pods send no ${protocol}` };
    const source = this.#live.get(from.name);
    const target = this.#live.get(to.name)?.addresses.find((address) => address.family === family);
    if (!source || !target) throw new Error(`${from.name} or ${to.name} has no address of IPv${family}`);
    return { question, from: source, probe: { protocol, address: target.text, port: port.port } };
  }

  async #applyNamespaces(cluster: Cluster): Promise<void> {
    const gone = [...(this.#before?.namespaces.keys() ?? [])].filter((name) => !cluster.namespaces.has(name));
    for (const name of gone) {
      await this.#namespaces.delete(name);
      this.#pods.forget(this.#names.namespace(name));
      this.#policies.forget(name);
    }
    await Promise.all(
      [...cluster.namespaces.values()].map(async ({ name, labels }) => this.#namespaces.ensure(name, labels)),
    );
  }

  async #applyPods(cluster: Cluster): Promise<void> {
    const before = this.#before?.pods ?? new Map<string, Pod>();
    const over = [...before.values()].filter((pod) => {
      const now = cluster.pods.get(pod.key);
      // Another address is another pod, which was made in its place.
      return cluster.namespaces.has(pod.namespace) && (!now || addressesOf(now) !== addressesOf(pod));
    });
    await Promise.all(
      over.map(async ({ key }) => {
        const live = this.#live.get(key);
        if (live) await this.#pods.delete(live);
      }),
    );
    const wanted = [...cluster.pods.values()].map((pod): WantedPod => {
      const { key, node, labels, ports } = pod;
      return { key, node: this.#hostname(node), labels, ports };
    });
    this.#live = await this.#pods.ensure(wanted);
  }

  /** The models' nodes stand for as many of the cluster's as there are. */
  #node(name: string): TargetNode {
    const { nodes, models } = this.#options;
    const index = [...models.nodes.keys()].indexOf(name);
    const node = nodes[Math.max(index, 0) % nodes.length];
    if (!node) throw new Error('there are no nodes');
    return node;
  }

  #hostname(node: string): string {
    return this.#node(node).hostname;
  }

  #realModels(): Models {
    const { models } = this.#options;
    const nodes = new Map(
      [...models.nodes].map(([name, { services }], index) => {
        return [name, { addresses: this.#node(name).addresses, pods: unusedRanges(index), services }];
      }),
    );
    const pods = [...models.pods].map(([key, place]): [string, PodPlace] => {
      const live = this.#live.get(key);
      return [key, live ? { ...place, addresses: live.addresses } : place];
    });
    return { ...models, nodes, pods: new Map(pods) };
  }

  async #findRealisation(): Promise<Realisation> {
    if (this.#realisation) return this.#realisation;
    await this.#namespaces.ensure('marker', {});
    const names = this.#options.nodes.map(({ name }) => name);
    this.#realisation = await findRealisation(this.#options.client, names, this.#marker);
    return this.#realisation;
  }
}

/** A pod that a step makes gets its addresses then. Until it has them, it is taken to have some that nobody has. */
function unusedRanges(index: number): readonly Cidr[] {
  return [
    makeCidr(4, 0xc6_12_00_00n + BigInt(index << 8), 24),
    makeCidr(6, (0x2001_0002n << 96n) + (BigInt(index) << 64n), 64),
  ];
}

function addressesOf({ addresses }: Pod): string {
  return addresses.map(({ text }) => text).join();
}

function stackOf(families: readonly IpFamily[]): Stack {
  const known = Object.entries(stacks).find(([, members]) => members.join() === families.join());
  if (!known) throw new Error(`no stack has the families ${families.join()}`);
  return known[0] as Stack;
}

/**
 * Where faults are made without nodes: a real API server and etcd, a node and three pods as network namespaces, an agent as
 * a process, a proxy between the two, and the probes, which run from before the first policy until the end.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EngineName } from '../../src/datapath/engine-choice.ts';
import { detachEngines } from '../../src/agent/node-datapath.ts';
import { ApiClient } from '../cluster/api/client.ts';
import { freePorts } from '../cluster/control-plane/loopback-port.ts';
import { agentOptions } from '../agent/agent-options.ts';
import type { ControlPlane } from '../cluster/control-plane/control-plane.ts';
import { TestNetwork } from '../datapath/test-network.ts';
import { Agent } from './agent.ts';
import type { AgentPlan } from './agent.ts';
import { LossyProxy } from './lossy-proxy.ts';
import { Probes } from './probe/probes.ts';
import type { ProbeReport } from './probe/stream.ts';
import { outcomeOf } from './outcome.ts';
import { clientPolicy, forbiddenStreams, node, pairPolicy, policiesPath, streamsOf } from './world.ts';

export class LightStand {
  readonly engine: EngineName;
  readonly controlPlane: ControlPlane;
  readonly api: ApiClient;
  readonly network: TestNetwork;
  readonly proxy: LossyProxy;
  readonly probes: Probes;
  readonly plan: AgentPlan;
  /** The one that runs, or ran last. */
  agent: Agent;

  private constructor(
    parts: Pick<
      LightStand,
      'agent' | 'api' | 'controlPlane' | 'engine' | 'network' | 'plan' | 'probes' | 'proxy'
    >,
  ) {
    this.engine = parts.engine;
    this.controlPlane = parts.controlPlane;
    this.api = parts.api;
    this.network = parts.network;
    this.proxy = parts.proxy;
    this.probes = parts.probes;
    this.plan = parts.plan;
    this.agent = parts.agent;
  }

  /** The policy of the probes is in force, and what it forbids has ended, when this returns. */
  static async up(controlPlane: ControlPlane, engine: EngineName): Promise<LightStand> {
    const api = new ApiClient(controlPlane.kubeconfig);
    await api.must('DELETE', policiesPath);
    const network = new TestNetwork();
    const directory = mkdtempSync(join(tmpdir(), 'bulkhead-faults-'));
    const proxy = await LossyProxy.start(Number(new URL(controlPlane.url).port));
    const kubeconfig = join(directory, 'kubeconfig');
    const direct = readFileSync(controlPlane.kubeconfig, 'utf8');
    writeFileSync(kubeconfig, direct.replaceAll(controlPlane.url, `https://127.0.0.1:${proxy.port}`));
    const [healthPort = 0] = await freePorts(1);
    const own = { node, engine, healthPort, degradedAfterMs: 500, events: 'all' } as const;
    const options = agentOptions(network, directory, own);
    const plan = { options, kubeconfig, log: join(directory, 'agent.log') };
    const agent = await Agent.start(plan);
    const probes = await Probes.start(streamsOf(network));
    const stand = new LightStand({ agent, api, controlPlane, engine, network, plan, probes, proxy });
    const { leaked } = outcomeOf(await stand.besieged(async () => sleep(200)));
    if (Object.keys(leaked).length < forbiddenStreams) throw new Error('the probes do not see what passes');
    for (const policy of [pairPolicy(), clientPolicy]) await api.must('POST', policiesPath, policy);
    await stand.realised();
    return stand;
  }

  async down(): Promise<void> {
    await this.probes.stop();
    await this.agent.end('SIGKILL');
    await this.api.request('DELETE', policiesPath);
    this.api.close();
    await this.proxy.stop();
    const { bpffs, netns, runDirectory } = this.plan.options;
    detachEngines({ netns, bpffs, pinDir: `${bpffs}/bulkhead` });
    this.network.remove();
    rmSync(runDirectory, { recursive: true });
  }

  /** What the probes saw while `action` ran. */
  async besieged(action: () => Promise<void>): Promise<ProbeReport> {
    await this.probes.mark();
    await action();
    return this.probes.report();
  }

  /** Another agent in place of the one that runs, which ends by the signal. */
  async replaceAgent(signal: 'SIGKILL' | 'SIGTERM', change: Partial<AgentPlan> = {}): Promise<void> {
    await this.agent.end(signal);
    this.agent = await Agent.start({ ...this.plan, ...change });
  }

  /** Waits until the agent is healthy and enforces all that the API server has now. */
  async realised(): Promise<void> {
    await this.settled(true);
  }

  /** Waits until the agent has taken all that the API server has now; it may have refused some of it. */
  async settled(healthy = false): Promise<void> {
    const { metadata } = (await this.api.must('GET', policiesPath)) as Listed;
    const wanted = BigInt(metadata.resourceVersion);
    // A list's version counts all resources; only a later change of a policy takes the agent there.
    const path = `${policiesPath}/beacon`;
    await this.api.must('DELETE', path).catch(() => undefined);
    const beacon = {
      metadata: { name: 'beacon' },
      spec: { podSelector: { matchLabels: { app: 'beacon' } } },
    };
    await this.api.must('POST', policiesPath, beacon);
    for (;;) {
      const { body } = await this.agent.get('/debug/status');
      const { realisedResourceVersion = '' } = body === '' ? {} : (JSON.parse(body) as Status);
      const health = await this.agent.get('/healthz');
      if ((!healthy || health.status === 200) && BigInt(realisedResourceVersion || 0) > wanted) return;
      this.agent.requireRunning();
      await sleep(20);
    }
  }

  log(): string {
    return readFileSync(this.plan.log, 'utf8');
  }
}

interface Listed {
  readonly metadata: { readonly resourceVersion: string };
}

interface Status {
  readonly realisedResourceVersion?: string;
}

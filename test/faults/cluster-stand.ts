/**
 * Where faults of nodes are made: a whole cluster with the DaemonSet as it is installed, real pods, and probes in their
 * network namespaces.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { imageReference, root } from '../../scripts/deploy/names.ts';
import type { EngineName } from '../../src/datapath/engine-choice.ts';
import { inNetns, isNetns } from '../../src/kernel/netns.ts';
import { agnhostImage } from '../../src/conformance/cluster/image.ts';
import type { ClusterNode } from '../cluster/node/node.ts';
import { ensureParts } from '../cluster/parts/cache.ts';
import { run } from '../cluster/process/run.ts';
import { clusterUp } from '../cluster/whole/cluster.ts';
import type { Cluster } from '../cluster/whole/cluster.ts';
import { buildOther } from './other-build.ts';
import { outcomeOf } from './outcome.ts';
import { Probes } from './probe/probes.ts';
import type { End, ProbeReport, Stream } from './probe/stream.ts';
import { clientPolicy, pairPolicy, ports, servedPort } from './world.ts';

/** Of the agents. */
export const system = ['-n', 'bulkhead-system'];

/** Clients are on both nodes, the server is on the first. */
const pods = { server: 'n1', client: 'n1', far: 'n2', stranger: 'n2', open: 'n1' } as const;
export type PodName = keyof typeof pods;

/** What pods take to end once they are told to, where they are given the time. */
export const lingerSeconds = 10;

const labelOf = (name: PodName): string => (name === 'far' ? 'client' : name);

export class ClusterStand {
  readonly cluster: Cluster;
  /** What agents can be made of: as a fresh install has it, and of another version. */
  readonly images: { readonly first: string; readonly other: string };
  readonly #kubectl: string;
  readonly #folder: string;

  private constructor(cluster: Cluster, kubectl: string, folder: string, other: string) {
    this.cluster = cluster;
    this.images = { first: imageReference, other };
    this.#kubectl = kubectl;
    this.#folder = folder;
  }

  /** With agents, pods that are ready, and no policy yet. */
  static async up(): Promise<ClusterStand> {
    const folder = mkdtempSync(join(tmpdir(), 'bulkhead-faults-'));
    const cluster = await clusterUp({ name: `f${process.pid % 100_000}` });
    const { kubectl } = await ensureParts(['kubectl'], console.log);
    const image = join(folder, 'image.tar');
    await run(process.execPath, [join(root, 'scripts/build-image.ts'), image]);
    await cluster.importImage(image);
    const other = await buildOther(mkdtempSync(join(folder, 'other-')));
    await cluster.importImage(other.image);
    const stand = new ClusterStand(cluster, kubectl, folder, other.reference);
    await stand.kubectl(['apply', '-f', join(root, 'deploy/bulkhead.yaml')]);
    await stand.rolledOut();
    await stand.createPods();
    return stand;
  }

  async createPods(): Promise<void> {
    await this.apply(...Object.entries(pods).map(([pod, node]) => podObject(pod as PodName, node)));
    await this.kubectl(['wait', 'pod', '--all', '--for=condition=Ready', '--timeout=120s']);
  }

  /** Pods begin to end, and take `lingerSeconds` for it, with everything that they did before. */
  async beginDeletion(): Promise<void> {
    const patience = `--grace-period=${2 * lingerSeconds}`;
    await this.kubectl(['delete', 'pod', '--all', '--wait=false', patience]);
  }

  /** Whether all pods are being deleted, and run nevertheless. */
  async areEnding(): Promise<boolean> {
    const phases = '{range .items[?(@.metadata.deletionTimestamp)]}{.status.phase} {end}';
    const ending = await this.kubectl(['get', 'pods', '-o', `jsonpath=${phases}`]);
    return ending === 'Running '.repeat(Object.keys(pods).length);
  }

  /** Until the pods that are being deleted are gone. */
  async deleted(): Promise<void> {
    await this.kubectl(['wait', 'pod', '--all', '--for=delete', '--timeout=120s']);
  }

  async down(): Promise<void> {
    await this.cluster.down();
    rmSync(this.#folder, { recursive: true });
  }

  async kubectl(args: readonly string[], input = ''): Promise<string> {
    return run(this.#kubectl, ['--kubeconfig', this.cluster.kubeconfig, ...args], input);
  }

  async apply(...items: readonly unknown[]): Promise<void> {
    const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
    await this.kubectl(['apply', '-f', '-'], list);
  }

  async rolledOut(): Promise<void> {
    await this.kubectl([...system, 'rollout', 'status', 'daemonset/bulkhead', '--timeout=120s']);
  }

  node(name: string): ClusterNode {
    const node = this.cluster.nodes.find((one) => one.name === name);
    if (!node) throw new Error(`no node ${name}`);
    return node;
  }

  /** Until the node is ready again, after a moment in which it was not. */
  async nodeReady(name: string): Promise<void> {
    await this.kubectl(['wait', `node/${name}`, '--for=condition=Ready', '--timeout=120s']);
  }

  /** Other agents on all nodes, one after the other. */
  async useEngine(engine: EngineName): Promise<void> {
    const args = JSON.parse(
      await this.kubectl([
        ...system,
        'get',
        'daemonset',
        'bulkhead',
        '-o',
        'jsonpath={.spec.template.spec.containers[0].args}',
      ]),
    ) as string[];
    const value = args.map((arg) => (arg.startsWith('--datapath=') ? `--datapath=${engine}` : arg));
    await this.#changeAgents('args', value);
  }

  /** Likewise, of one of `images`. */
  async useImage(reference: string): Promise<void> {
    await this.#changeAgents('image', reference);
    const version = reference.slice(reference.indexOf(':') + 1);
    const versions = ['get', 'nps', '-o', 'jsonpath={.items[*].status.agentVersion}'];
    while ((await this.kubectl(versions)) !== `${version} ${version}`) await sleep(100);
  }

  async #changeAgents(field: 'args' | 'image', value: unknown): Promise<void> {
    const path = `/spec/template/spec/containers/0/${field}`;
    const patch = JSON.stringify([{ op: 'replace', path, value }]);
    await this.kubectl([...system, 'patch', 'daemonset', 'bulkhead', '--type=json', '-p', patch]);
    await this.rolledOut();
  }

  /** The plugin that holds pods until the agent knows them, on all nodes from now on. */
  async installGate(): Promise<void> {
    await this.kubectl(['apply', '-k', join(root, 'test/deploy/fixtures/with-gate')]);
    await this.rolledOut();
  }

  async addressOf(pod: PodName): Promise<string> {
    return this.kubectl(['get', 'pod', pod, '-o', 'jsonpath={.status.podIP}']);
  }

  async end(pod: PodName): Promise<End> {
    const address = await this.addressOf(pod);
    return { address, netns: podNetns(this.node(pods[pod]), address) };
  }

  /** Probes that run, seen to get through before there is a policy, and then the policies in force. */
  async probes(): Promise<Probes> {
    await this.kubectl(['delete', 'networkpolicies', '--all']);
    await this.reaches(true);
    const probes = await Probes.start(await this.#streams());
    await probes.mark();
    await sleep(200);
    const { leaked } = outcomeOf(await probes.report());
    if (Object.keys(leaked).length < 4) throw new Error('the probes do not see what passes');
    await this.isolate();
    return probes;
  }

  /** The policies of the probes in force on all nodes. */
  async isolate(): Promise<void> {
    const type = { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy' };
    await this.apply({ ...type, ...pairPolicy() }, { ...type, ...clientPolicy });
    await this.reaches(false);
    // All nodes have what one of them has.
    await sleep(1000);
  }

  /** Until a stranger reaches the server, or does not. */
  async reaches(expected: boolean): Promise<void> {
    const address = await this.addressOf('server');
    const connect = ['/agnhost', 'connect', `${address}:8080`, '--timeout=500ms'];
    for (;;) {
      const reached = await this.kubectl(['exec', 'stranger', '--', ...connect]).then(
        () => true,
        () => false,
      );
      if (reached === expected) return;
      await sleep(100);
    }
  }

  /** Datagrams from a stranger to the addresses that the next pods of the first node will have, where the server listens. */
  async spray(): Promise<Probes> {
    const from = await this.end('stranger');
    const taken = await this.kubectl([
      'get',
      'pods',
      '--all-namespaces',
      '-o',
      'jsonpath={.items[*].status.podIP}',
    ]);
    const [a, b, c] = (await this.addressOf('server')).split('.');
    const prefix = `${a}.${b}.${c}.`;
    const last = Math.max(
      ...taken.split(' ').flatMap((ip) => (ip.startsWith(prefix) ? [Number(ip.slice(prefix.length))] : [])),
    );
    return Probes.start(
      Array.from({ length: 8 }, (_, index) => ({
        name: `${prefix}${last + 1 + index}`,
        protocol: 'UDP',
        flow: 'new',
        from,
        to: { address: `${prefix}${last + 1 + index}` },
        port: servedPort,
      })),
    );
  }

  /** Whether a client on the other node reaches the server by a port that the policy lets it use. */
  async isServed(): Promise<boolean> {
    const address = await this.addressOf('server');
    const connect = ['/agnhost', 'connect', `${address}:${ports.syn}`, '--timeout=1s'];
    // Nobody listens there: that the server says so is the answer.
    return this.kubectl(['exec', 'far', '--', ...connect]).then(
      () => true,
      (error: Error) => error.message.includes('REFUSED'),
    );
  }

  async #streams(): Promise<Stream[]> {
    const [server, client, far, stranger, open] = await Promise.all(
      (['server', 'client', 'far', 'stranger', 'open'] as const).map(async (pod) => this.end(pod)),
    );
    if (!server || !client || !far || !stranger || !open) throw new Error('a pod is missing');
    const to = server;
    return [
      { name: 'permitted new UDP', protocol: 'UDP', flow: 'new', from: client, to, port: ports.udp },
      { name: 'permitted kept UDP', protocol: 'UDP', flow: 'kept', from: far, to, port: ports.udp },
      { name: 'permitted new TCP', protocol: 'TCP', flow: 'new', from: far, to, port: ports.syn },
      { name: 'permitted kept TCP', protocol: 'TCP', flow: 'kept', from: client, to, port: ports.kept },
      { name: 'forbidden new UDP', protocol: 'UDP', flow: 'new', from: stranger, to, port: ports.udp },
      { name: 'forbidden kept UDP', protocol: 'UDP', flow: 'kept', from: open, to, port: ports.udp },
      { name: 'forbidden new TCP', protocol: 'TCP', flow: 'new', from: open, to, port: ports.syn },
      { name: 'forbidden kept TCP', protocol: 'TCP', flow: 'kept', from: stranger, to, port: ports.kept },
    ];
  }
}

/** What the probes saw while `action` ran. */
export async function besieged(probes: Probes, action: () => Promise<void>): Promise<ProbeReport> {
  await probes.mark();
  await action();
  return probes.report();
}

/** Path of the network namespace on the node that has the address. */
function podNetns(node: ClusterNode, address: string): string {
  const { identity } = node.kubelet;
  if (!identity) throw new Error(`${node.name} has no kubelet`);
  const directory = `/proc/${identity.pid}/root/run/netns`;
  const found = readdirSync(directory)
    .map((name) => join(directory, name))
    .filter(isNetns)
    .find((path) =>
      inNetns(path, () =>
        Object.values(networkInterfaces()).some((list) => list?.some((one) => one.address === address)),
      ),
    );
  if (found === undefined) throw new Error(`nobody has ${address} on ${node.name}`);
  return found;
}

/** How many UDP datagrams the server of a namespace has been given since it began: it listens once its container has started. */
export function datagramsIn(netns: string): number {
  return inNetns(netns, () => {
    const listens = `:${servedPort.toString(16).toUpperCase()} `;
    const sockets = ['udp', 'udp6'].map((name) => readFileSync(`/proc/thread-self/net/${name}`, 'utf8'));
    if (!sockets.some((list) => list.includes(listens))) throw new Error('nobody listens: nothing is proven');
    const [names = [], values = []] = readFileSync('/proc/thread-self/net/snmp', 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('Udp:'))
      .map((line) => line.split(' '));
    return Number(values[names.indexOf('InDatagrams')]);
  });
}

function podObject(name: PodName, node: string): unknown {
  const args = ['netexec', `--delay-shutdown=${lingerSeconds}`];
  const container = { name: 'main', image: agnhostImage, imagePullPolicy: 'IfNotPresent', args };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: labelOf(name) } },
    spec: { nodeName: node, terminationGracePeriodSeconds: 0, containers: [container] },
  };
}

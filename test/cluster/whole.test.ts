/** A whole cluster, with real parts, real pods and real packets. Skipped where its parts would have to be built first. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { agnhostImage } from '../../src/conformance/cluster/image.ts';
import { ApiClient } from './api/client.ts';
import { allParts } from './parts/catalogue.ts';
import { findPart } from './parts/cache.ts';
import { reasonToSkip } from './parts/reason-to-skip.ts';
import { run } from './process/run.ts';
import { isAlive, waitForEnd, type ProcessIdentity } from './process/identity.ts';
import { clusterDown, clusterFolder, clusterUp, sweepClusters, type Cluster } from './whole/cluster.ts';

const isRoot = process.geteuid?.() === 0;
const reason = isRoot ? reasonToSkip(allParts) : 'not root';
const missingTool = ['/usr/sbin/runc', '/usr/lib/cni/ptp'].find((path) => !existsSync(path));
const why = reason ?? (missingTool === undefined ? undefined : `no ${missingTool}`);
const skipped = why === undefined ? '' : ` (skipped: ${why})`;

describe.skipIf(why !== undefined)(`[root] a cluster of two nodes${skipped}`, () => {
  const name = `t${process.pid % 100_000}`;
  let cluster: Cluster;
  let client: ApiClient;

  beforeAll(async () => {
    cluster = await clusterUp({ name, families: 'dual' });
    client = new ApiClient(cluster.kubeconfig);
    for (const node of cluster.nodes) await startServer(client, `on-${node.name}`, node.name);
    await client.must('POST', '/api/v1/namespaces/default/services', {
      metadata: { name: 'server' },
      spec: {
        ipFamilyPolicy: 'RequireDualStack',
        selector: { name: 'on-n2' },
        ports: [{ port: 80, targetPort: 8080 }],
      },
    });
    await untilRunning(client, 'on-n1');
    await untilRunning(client, 'on-n2');
  });

  afterAll(async () => {
    client?.close();
    await clusterDown(name);
    await clusterDown(`${name}-o`);
  });

  test('a pod reaches a pod of the other node and a Service, over both families', async () => {
    const pod = (await client.must('GET', '/api/v1/namespaces/default/pods/on-n2')) as {
      status: { podIPs: { ip: string }[] };
    };
    const service = (await client.must('GET', '/api/v1/namespaces/default/services/server')) as {
      spec: { clusterIPs: string[] };
    };
    const targets = [
      ...pod.status.podIPs.map(({ ip }) => [ip, 8080] as const),
      ...service.spec.clusterIPs.map((ip) => [ip, 80] as const),
    ];
    expect(targets).toHaveLength(4);
    for (const [ip, port] of targets) await untilConnected(cluster, ip, port);
    await expect(connect(cluster, pod.status.podIPs[0]?.ip ?? '', 8081)).rejects.toThrow('REFUSED');
  });

  test('a rebooted node runs its pods again', async () => {
    const [, second] = cluster.nodes;
    const before = second?.kubelet.identity;
    await second?.reboot();
    expect(second?.kubelet.identity).not.toEqual(before);
    await client.must('DELETE', '/api/v1/namespaces/default/pods/on-n2', { gracePeriodSeconds: 0 });
    await startServer(client, 'on-n2', 'n2');
    await untilRunning(client, 'on-n2');
    const pod = (await client.must('GET', '/api/v1/namespaces/default/pods/on-n2')) as {
      status: { podIP: string };
    };
    await untilConnected(cluster, pod.status.podIP, 8080);
  });

  test('after it is taken down no process, mount, namespace, control group or folder of it is left', async () => {
    const processes = [
      cluster.etcd,
      cluster.apiserver,
      ...cluster.nodes.flatMap((node) => node.components),
    ].map((component) => component.identity);
    expect(processes.every((identity) => identity !== undefined)).toBe(true);
    expect(remains(name).length).toBeGreaterThan(4);
    await cluster.down();
    expect(processes.filter((identity) => isAlive(identity as ProcessIdentity))).toEqual([]);
    expect(remains(name)).toEqual([]);
    await clusterDown(name);
  });

  test('ends when its owner is killed, and the next sweep removes what it left', async () => {
    const orphan = `${name}-o`;
    const owner = spawn(process.execPath, [join(import.meta.dirname, 'whole/owner.ts'), orphan], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(owner, 'exit');
    const { value: line } = await createInterface(owner.stdout)[Symbol.asyncIterator]().next();
    const processes = JSON.parse(String(line)) as ProcessIdentity[];
    expect(processes.filter((identity) => !isAlive(identity))).toEqual([]);
    owner.kill('SIGKILL');
    await ended;
    for (const identity of processes) expect(await waitForEnd(identity, 20_000)).toBe(true);
    expect(remains(orphan).length).toBeGreaterThan(0);
    await sweepClusters();
    expect(remains(orphan)).toEqual([]);
  });
});

/** Whatever bears the cluster's name; every process of a node is beneath the node's first one, or has its folder in its arguments. */
function remains(name: string): string[] {
  const mounts = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .filter((line) => line.includes(`bhc-${name}.`) || line.includes(clusterFolder(name)));
  const namespaces = readdirSync('/run/netns').filter((entry) => entry.startsWith(`bhc-${name}.`));
  const groups = readdirSync('/sys/fs/cgroup', { recursive: false, encoding: 'utf8' })
    .map((hierarchy) => `/sys/fs/cgroup/${hierarchy}/bulkhead-cluster-${name}`)
    .filter((path) => existsSync(path));
  const processes = readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => belongsTo(pid, name));
  const folders = existsSync(clusterFolder(name)) ? [clusterFolder(name)] : [];
  return [...mounts, ...namespaces, ...groups, ...processes, ...folders];
}

function belongsTo(pid: string, name: string): boolean {
  try {
    const text = readFileSync(`/proc/${pid}/cgroup`, 'utf8') + readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    return text.includes(`bulkhead-cluster-${name}/`) || text.includes(`${clusterFolder(name)}/`);
  } catch {
    // It ended meanwhile.
    return false;
  }
}

async function startServer(client: ApiClient, name: string, node: string): Promise<void> {
  const image = { image: agnhostImage, imagePullPolicy: 'IfNotPresent', args: ['netexec'] };
  await client.must('POST', '/api/v1/namespaces/default/pods', {
    metadata: { name, labels: { name } },
    spec: { nodeName: node, terminationGracePeriodSeconds: 0, containers: [{ name: 'server', ...image }] },
  });
}

async function untilRunning(client: ApiClient, name: string): Promise<void> {
  for (;;) {
    const pod = (await client.must('GET', `/api/v1/namespaces/default/pods/${name}`)) as {
      status: { phase: string };
    };
    if (pod.status.phase === 'Running') return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** From the pod on the first node. */
async function connect(cluster: Cluster, ip: string, port: number): Promise<void> {
  const target = ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;
  const command = ['exec', 'on-n1', '--', '/agnhost', 'connect', target, '--timeout=2s'];
  await run(findPart('kubectl') ?? 'kubectl', ['--kubeconfig', cluster.kubeconfig, ...command]);
}

/** kube-proxy needs a moment for what is new, and a server one before it listens. */
async function untilConnected(cluster: Cluster, ip: string, port: number): Promise<void> {
  let failure: unknown;
  for (let attempt = 0; attempt < 20; attempt++) {
    try {
      return await connect(cluster, ip, port);
    } catch (error) {
      failure = error;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
  throw failure;
}

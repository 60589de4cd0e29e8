/** A whole cluster: control plane and nodes, each a network namespace of this machine. Needs root. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inNetns } from '../../../src/kernel/netns.ts';
import { ApiClient } from '../api/client.ts';
import { apiserverCommand } from '../control-plane/apiserver.ts';
import { Authority } from '../control-plane/authority.ts';
import { etcdCommand, etcdUrl } from '../control-plane/etcd.ts';
import { writeKubeconfig } from '../control-plane/kubeconfig.ts';
import { freePorts } from '../control-plane/loopback-port.ts';
import { pauseProgram, testImageArchives } from '../images/test-images.ts';
import { familyPlans, type Families } from '../network/address-plan.ts';
import { createControlPlaneNetns, deleteAllNetns, netnsPath } from '../network/namespaces.ts';
import type { Cni } from '../node/cni-configuration.ts';
import { removeClusterControlGroup } from '../node/control-groups.ts';
import { ClusterNode } from '../node/node.ts';
import { ensureParts, type Progress } from '../parts/cache.ts';
import { allParts } from '../parts/catalogue.ts';
import { Component, killAllRecorded } from '../process/component.ts';
import { isAlive, ownIdentity, type ProcessIdentity } from '../process/identity.ts';

export interface ClusterOptions {
  readonly name: string;
  readonly cni?: Cni;
  readonly families?: Families;
  /** How many. */
  readonly nodes?: number;
  /** Keeps it up after this process has ended. */
  readonly keep?: boolean;
  readonly progress?: Progress;
}

export interface Cluster {
  /** Works on the host, and may do everything. */
  readonly kubeconfig: string;
  /** The same for processes in a node's network namespace. */
  readonly nodeKubeconfig: string;
  readonly nodes: readonly ClusterNode[];
  readonly etcd: Component;
  readonly apiserver: Component;
  /** Brings an image archive to all nodes. */
  importImage(file: string): Promise<void>;
  down(): Promise<void>;
}

const clustersFolder = '/run/bulkhead-cluster';
const apiPort = 6443;
const patienceMs = 120_000;
const validName = /^[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?$/;

export function clusterFolder(name: string): string {
  if (!validName.test(name)) throw new Error(`"${name}" can't be the name of a cluster`);
  return join(clustersFolder, name);
}

/** Removes everything of a cluster, in whatever state it is; harmless if there is none. */
export async function clusterDown(name: string): Promise<void> {
  const directory = clusterFolder(name);
  const nodes = join(directory, 'nodes');
  await killAllRecorded(join(directory, 'control-plane'));
  for (const node of existsSync(nodes) ? readdirSync(nodes) : []) await killAllRecorded(join(nodes, node));
  deleteAllNetns(name);
  removeClusterControlGroup(name);
  rmSync(directory, { recursive: true, force: true });
}

/** Removes clusters whose owners have ended. */
export async function sweepClusters(): Promise<void> {
  for (const name of existsSync(clustersFolder) ? readdirSync(clustersFolder) : []) {
    const file = join(clustersFolder, name, 'owner.json');
    if (!existsSync(file)) continue;
    if (!isAlive(JSON.parse(readFileSync(file, 'utf8')) as ProcessIdentity)) await clusterDown(name);
  }
}

/** Until all nodes are ready. */
export async function clusterUp(options: ClusterOptions): Promise<Cluster> {
  await sweepClusters();
  const directory = clusterFolder(options.name);
  if (existsSync(directory)) throw new Error(`there is a cluster "${options.name}"; take it down first`);
  try {
    return await start(options, directory);
  } catch (error) {
    throw new Error(`${String(error)}\nIts remains are in ${directory} until it is taken down.`, {
      cause: error,
    });
  }
}

async function start(options: ClusterOptions, directory: string): Promise<Cluster> {
  const { name, cni = 'ptp', families = 'ipv4', nodes: count = 2, keep = false } = options;
  const progress = options.progress ?? (() => undefined);
  const parts = await ensureParts(allParts, progress);
  const pause = await pauseProgram();
  const archives = await testImageArchives(pause, parts.agnhost);
  const plans = familyPlans(families);
  const [primary] = plans;
  const home = join(directory, 'control-plane');
  mkdirSync(home, { recursive: true, mode: 0o700 });
  if (!keep) writeFileSync(join(directory, 'owner.json'), JSON.stringify(ownIdentity()));

  const netns = netnsPath(name, 'cp');
  await createControlPlaneNetns(name, plans);
  const authority = await Authority.create(home);
  const hosts = [
    '127.0.0.1',
    ...plans.flatMap((plan) => [plan.controlPlane, plan.apiService]),
    'kubernetes',
    'kubernetes.default',
    'kubernetes.default.svc',
  ];
  const [server, serviceAccounts, admin, toKubelets, manager, scheduler] = await Promise.all([
    authority.issue('apiserver', { user: 'kube-apiserver', hosts }),
    authority.issue('service-accounts', { user: 'service-accounts' }),
    authority.issue('admin', { user: 'admin', groups: ['system:masters'] }),
    authority.issue('to-kubelets', { user: 'kube-apiserver-kubelet-client', groups: ['system:masters'] }),
    authority.issue('manager', { user: 'system:kube-controller-manager' }),
    authority.issue('scheduler', { user: 'system:kube-scheduler' }),
  ]);
  const [hostPort = 0] = await freePorts(1);
  const access = { authority: authority.certificate };
  const bracketed = primary.version === 6 ? `[${primary.controlPlane}]` : primary.controlPlane;
  const url = `https://${bracketed}:${apiPort}`;
  const kubeconfig = writeKubeconfig(join(directory, 'kubeconfig'), {
    ...access,
    server: `https://127.0.0.1:${hostPort}`,
    client: admin,
  });
  const config = (file: string, client: typeof admin): string =>
    writeKubeconfig(join(directory, file), { ...access, server: url, client });
  const nodeKubeconfig = config('node.kubeconfig', admin);
  const managerConfig = config('manager.kubeconfig', manager);
  const schedulerConfig = config('scheduler.kubeconfig', scheduler);

  const client = new ApiClient(kubeconfig, 4);
  const component = (
    title: string,
    command: readonly [string, ...string[]],
    isReady: () => Promise<boolean> = async () => Promise.resolve(true),
    inside = true,
  ): Component =>
    new Component({
      name: title,
      directory: home,
      diesWithStarter: !keep,
      patienceMs,
      command: () => command,
      environment: { GOGC: '400' },
      ...(inside ? { within: (begin) => inNetns(netns, begin) } : {}),
      isReady,
    });
  const etcdPlan = { binary: parts.etcd, dataDirectory: home, clientPort: 2379, peerPort: 2380 };
  const etcd = component('etcd', etcdCommand(etcdPlan));
  const apiserver = component(
    'kube-apiserver',
    apiserverCommand({
      binary: parts['kube-apiserver'],
      etcd: etcdUrl(etcdPlan),
      bindAddress: primary.version === 6 ? '::' : '0.0.0.0',
      port: apiPort,
      authority: authority.certificate,
      server,
      serviceAccounts,
      serviceRanges: plans.map((plan) => plan.serviceRange),
      more: [
        `--advertise-address=${primary.controlPlane}`,
        `--kubelet-client-certificate=${toKubelets.certificate}`,
        `--kubelet-client-key=${toKubelets.key}`,
        '--kubelet-preferred-address-types=InternalIP',
      ],
    }),
    async () => client.isReady(),
  );
  const forwarder = component(
    'forwarder',
    [
      process.execPath,
      join(import.meta.dirname, 'forwarder.ts'),
      String(hostPort),
      netns,
      primary.controlPlane,
      String(apiPort),
    ],
    undefined,
    false,
  );
  const controllerManager = component('kube-controller-manager', [
    parts['kube-controller-manager'],
    `--kubeconfig=${managerConfig}`,
    '--use-service-account-credentials',
    '--leader-elect=false',
    `--root-ca-file=${authority.certificate}`,
    `--service-account-private-key-file=${serviceAccounts.key}`,
  ]);
  const kubeScheduler = component('kube-scheduler', [
    parts['kube-scheduler'],
    `--kubeconfig=${schedulerConfig}`,
    '--leader-elect=false',
  ]);

  const { containerd, ctr, kubelet } = parts;
  const programs = {
    pause,
    containerd,
    ctr,
    kubelet,
    'kube-proxy': parts['kube-proxy'],
    'containerd-shim-runc-v2': parts['containerd-shim-runc-v2'],
  };
  const indexes = Array.from({ length: count }, (_, position) => position + 1);
  const nodes = indexes.map((index) => {
    const node = `n${index}`;
    const folder = join(directory, 'nodes', node);
    mkdirSync(folder, { recursive: true });
    const bridgeNetfilter = cni === 'bridge';
    const link = { cluster: name, node, index, indexes, plans, bridgeNetfilter };
    return new ClusterNode({
      ...link,
      cni,
      directory: folder,
      programs,
      server: url,
      authority,
      diesWithStarter: !keep,
    });
  });

  progress('starting the control plane');
  await Promise.all([etcd.start(), forwarder.start(), apiserver.start()]);
  for (const node of nodes) {
    const podCIDRs = plans.map((plan) => plan.nodePodRange(Number(node.name.slice(1))));
    await client.must('POST', '/api/v1/nodes', {
      metadata: { name: node.name },
      spec: { podCIDR: podCIDRs[0], podCIDRs },
    });
  }
  progress('starting the nodes');
  const importImage = async (file: string): Promise<void> => {
    await Promise.all(nodes.map(async (node) => node.importImage(file)));
  };
  await Promise.all([
    controllerManager.start(),
    kubeScheduler.start(),
    ...nodes.map(async (node) => node.start()),
  ]);
  for (const archive of archives) await importImage(archive);
  progress('waiting for the nodes to be ready');
  const components = [
    etcd,
    apiserver,
    forwarder,
    controllerManager,
    kubeScheduler,
    ...nodes.flatMap((node) => node.components),
  ];
  await untilReady(client, count, components);
  return {
    kubeconfig,
    nodeKubeconfig,
    nodes,
    etcd,
    apiserver,
    importImage,
    down: async () => {
      client.close();
      await clusterDown(name);
    },
  };
}

interface ListedNode {
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

async function untilReady(client: ApiClient, count: number, components: readonly Component[]): Promise<void> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const { items } = (await client.must('GET', '/api/v1/nodes')) as { items: readonly ListedNode[] };
    const ready = items.filter((node) =>
      node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'),
    );
    const account = await client.request('GET', '/api/v1/namespaces/default/serviceaccounts/default');
    if (ready.length === count && account.status === 200) return;
    const dead = components.find((component) => !component.isRunning);
    if (dead) throw new Error(`${dead.name} ended: ${dead.tail()}`);
    if (performance.now() > deadline) throw new Error(`${ready.length} of ${count} nodes are ready`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

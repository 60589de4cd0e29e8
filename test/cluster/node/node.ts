/**
 * A node: a process namespace whose first process only holds it, with its own network, mounts and host name, and in it
 * containerd, kubelet and kube-proxy. Killing the first process is what pulling the plug is to a machine.
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { spawn, type ChildProcess } from 'node:child_process';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { inNetns } from '../../../src/kernel/netns.ts';
import type { Authority, KeyPair } from '../control-plane/authority.ts';
import { writeKubeconfig } from '../control-plane/kubeconfig.ts';
import { createNodeNetns, deleteNodeNetns, netnsPath, type NodeLink } from '../network/namespaces.ts';
import { Component } from '../process/component.ts';
import { run } from '../process/run.ts';
import { cniConfiguration, pluginFolder, type Cni } from './cni-configuration.ts';
import { containerdConfiguration, kubeletConfiguration, kubeProxyConfiguration } from './configuration.ts';
import { createControlGroup, nodeControlGroup, removeNodeControlGroup } from './control-groups.ts';
import { nodeFiles, nodeInitScript, prepareNodeFiles, programsFolder, type NodeFiles } from './file-tree.ts';
import { inNewPidNamespace, inPidNamespaceOf } from './pid-namespace.ts';

export interface NodePlan extends NodeLink {
  readonly cni: Cni;
  readonly directory: string;
  /** Names and paths of what runs on a node, `pause` included. */
  readonly programs: Readonly<Record<string, string>>;
  /** URL of the API server, as nodes reach it. */
  readonly server: string;
  readonly authority: Authority;
  readonly diesWithStarter: boolean;
}

const patienceMs = 60_000;
/** Inside the node. */
const etc = '/etc/kubernetes';

export class ClusterNode {
  readonly name: string;
  /** Path of its network namespace. */
  readonly netns: string;
  /** As the host reaches it. */
  readonly containerdSocket: string;
  readonly containerd: Component;
  readonly kubelet: Component;
  readonly kubeProxy: Component;
  readonly #plan: NodePlan;
  readonly #files: NodeFiles;
  readonly #init: Component;

  constructor(plan: NodePlan) {
    const { node, cluster, directory, diesWithStarter } = plan;
    this.#plan = plan;
    this.#files = nodeFiles(directory);
    this.name = node;
    this.netns = netnsPath(cluster, node);
    this.containerdSocket = join(this.#files.run, 'containerd/containerd.sock');
    const common = { directory, diesWithStarter, patienceMs };
    const script = nodeInitScript(node, this.#files, plan.programs);
    this.#init = new Component({
      ...common,
      name: 'init',
      command: () => ['unshare', '--mount', '--uts', 'sh', '-c', script],
      within: (start) => inNetns(this.netns, () => inNewPidNamespace(start)),
      isReady: async () => Promise.resolve(existsSync(this.#files.ready)),
    });
    const program = (name: string, args: readonly string[], isReady: () => Promise<boolean>): Component =>
      new Component({
        ...common,
        name,
        command: () => this.#entering([`${programsFolder}/${name}`, ...args]),
        environment: { PATH: `${programsFolder}:${process.env.PATH ?? ''}` },
        within: (start) => this.#inside(start),
        isReady,
      });
    const atOnce = async (): Promise<boolean> => Promise.resolve(true);
    this.containerd = program('containerd', ['--config', '/etc/containerd/config.toml'], async () =>
      accepts(this.containerdSocket),
    );
    this.kubelet = program(
      'kubelet',
      [
        `--config=${etc}/kubelet.yaml`,
        `--kubeconfig=${etc}/kubelet.kubeconfig`,
        `--hostname-override=${node}`,
        `--node-ip=${plan.plans.map((family) => family.node(plan.index)).join(',')}`,
      ],
      atOnce,
    );
    this.kubeProxy = program('kube-proxy', [`--config=${etc}/kube-proxy.yaml`], atOnce);
  }

  /** What runs on it now, by the records of whoever started it. */
  get isUp(): boolean {
    return this.#init.isRunning;
  }

  /** Its parts, for whoever wants to know which of them does not run. */
  get components(): readonly Component[] {
    return [this.#init, this.containerd, this.kubelet, this.kubeProxy];
  }

  /** Until containerd serves and the others are started; that the node is ready, the API tells. */
  async start(): Promise<void> {
    const { cluster, node, programs } = this.#plan;
    await createNodeNetns(this.#plan);
    createControlGroup(nodeControlGroup(cluster, node));
    prepareNodeFiles(this.#files, programs);
    await this.#configure();
    await this.#init.start();
    await this.containerd.start();
    await Promise.all([this.kubelet.start(), this.kubeProxy.start()]);
  }

  /** At once, as by a power failure. What is on its disk stays. */
  async stop(): Promise<void> {
    await this.#init.kill();
    const { cluster, node } = this.#plan;
    await deleteNodeNetns(cluster, node);
    removeNodeControlGroup(cluster, node);
  }

  async reboot(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** From a file as `docker save` and `writeImageArchive` make it. */
  async importImage(file: string): Promise<void> {
    const { ctr = 'ctr' } = this.#plan.programs;
    await run(ctr, ['--address', this.containerdSocket, '--namespace', 'k8s.io', 'images', 'import', file]);
  }

  /** Starts a command on the node, in all its namespaces. */
  exec(command: readonly [string, ...string[]], stdio: 'inherit' | 'pipe' = 'pipe'): ChildProcess {
    const [program, ...args] = this.#entering(command);
    return this.#inside(() => spawn(program, args, { stdio }));
  }

  /** The kernel gives the process namespace to what is started, nsenter the mounts and the host name. */
  #entering(command: readonly [string, ...string[]]): readonly [string, ...string[]] {
    const namespaces = `/proc/${this.#initPid()}/ns`;
    return ['nsenter', `--mount=${namespaces}/mnt`, `--uts=${namespaces}/uts`, '--', ...command];
  }

  #inside(start: () => ChildProcess): ChildProcess {
    return inNetns(this.netns, () => inPidNamespaceOf(this.#initPid(), start));
  }

  #initPid(): number {
    const { identity } = this.#init;
    if (identity === undefined) throw new Error(`node ${this.name} is not up`);
    return identity.pid;
  }

  async #configure(): Promise<void> {
    const { authority, cluster, node, plans, index, cni, server } = this.#plan;
    const kubernetes = join(this.#files.etc, 'kubernetes');
    for (const folder of ['kubernetes', 'containerd', 'cni/net.d']) {
      mkdirSync(join(this.#files.etc, folder), { recursive: true });
    }
    const hosts = [node, ...plans.map((plan) => plan.node(index))];
    const [kubelet, proxy] = await Promise.all([
      authority.issue(node, { user: `system:node:${node}`, groups: ['system:nodes'], hosts }),
      authority.issue(`${node}-proxy`, { user: 'system:kube-proxy' }),
    ]);
    const access = { server, authority: authority.certificate };
    writeKubeconfig(join(kubernetes, 'kubelet.kubeconfig'), { ...access, client: kubelet });
    writeKubeconfig(join(kubernetes, 'kube-proxy.kubeconfig'), { ...access, client: proxy });
    const inside = (pair: KeyPair): KeyPair => {
      copyFileSync(pair.certificate, join(kubernetes, 'kubelet.crt'));
      copyFileSync(pair.key, join(kubernetes, 'kubelet.key'));
      return { certificate: `${etc}/kubelet.crt`, key: `${etc}/kubelet.key` };
    };
    copyFileSync(authority.certificate, join(kubernetes, 'ca.crt'));
    const kubeletFiles = {
      authority: `${etc}/ca.crt`,
      server: inside(kubelet),
      controlGroup: nodeControlGroup(cluster, node),
    };
    writeFileSync(join(kubernetes, 'kubelet.yaml'), kubeletConfiguration(kubeletFiles));
    const proxyConfiguration = kubeProxyConfiguration(node, `${etc}/kube-proxy.kubeconfig`, plans);
    writeFileSync(join(kubernetes, 'kube-proxy.yaml'), proxyConfiguration);
    writeFileSync(join(this.#files.etc, 'containerd/config.toml'), containerdConfiguration());
    // Agents add to it what a reboot must not take out.
    const chain = join(this.#files.etc, 'cni/net.d/10-pods.conflist');
    if (!existsSync(chain)) writeFileSync(chain, cniConfiguration(cni, plans, index));
    for (const plugin of readdirSync(pluginFolder)) {
      const link = join(this.#files.cniPlugins, plugin);
      rmSync(link, { force: true });
      symlinkSync(join(pluginFolder, plugin), link);
    }
  }
}

async function accepts(socket: string): Promise<boolean> {
  return new Promise<boolean>((resolve) => {
    const connection = createConnection(socket);
    connection.once('connect', () => {
      connection.destroy();
      resolve(true);
    });
    connection.once('error', () => resolve(false));
  });
}

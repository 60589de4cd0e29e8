/** `cluster up`, `down`, …: control plane and nodes. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import type { Families } from '../network/address-plan.ts';
import { cniKinds, type Cni } from '../node/cni-configuration.ts';
import { ensureParts } from '../parts/cache.ts';
import { everyPart } from '../parts/catalogue.ts';
import { Component } from '../process/component.ts';
import { clusterDown, clusterFolder, clusterUp } from '../whole/cluster.ts';
import { say, timed } from './print.ts';

interface Named {
  readonly name: string;
}

export function wholeCommands(): Command[] {
  return [
    named('up', 'start control plane and nodes; prints the path of a kubeconfig')
      .addOption(new Option('--cni <kind>', 'how pods are linked').choices(cniKinds).default('ptp'))
      .addOption(
        new Option('--ip <families>', 'address families').choices(['ipv4', 'ipv6', 'dual']).default('ipv4'),
      )
      .option('--nodes <n>', 'how many nodes', Number, 2)
      .action(up),
    new Command('parts')
      .description('build the programs that a cluster and its tests need, where they are not there yet')
      .action(buildParts),
    named('down', 'stop everything and remove it, whatever state it is in').action(down),
    named('status', 'which parts run').action(status),
    named('kubectl', 'kubectl on this cluster').argument('<args...>').passThroughOptions().action(kubectl),
    named('exec', 'a command on a node, as if logged in there')
      .argument('<node>')
      .argument('<command...>')
      .passThroughOptions()
      .action(exec),
  ];
}

function named(name: string, description: string): Command {
  return new Command(name).description(description).option('--name <name>', 'tells several apart', 'default');
}

async function up({
  name,
  cni,
  ip,
  nodes,
}: Named & { cni: Cni; ip: Families; nodes: number }): Promise<void> {
  const options = { name, cni, families: ip, nodes, keep: true, progress: say };
  const { kubeconfig } = await timed('ready', async () => clusterUp(options));
  console.log(kubeconfig);
}

async function buildParts(): Promise<void> {
  await timed('all parts are there', async () => ensureParts(everyPart, say));
}

async function down({ name }: Named): Promise<void> {
  if (!existsSync(clusterFolder(name))) say(`there is no "${name}"`);
  await timed('stopped and removed', async () => clusterDown(name));
}

function status({ name }: Named): void {
  const folder = clusterFolder(name);
  const nodes = join(folder, 'nodes');
  if (!existsSync(nodes)) {
    say(`there is no "${name}"`);
    process.exitCode = 1;
    return;
  }
  const show = (title: string, directory: string, parts: readonly string[]): void => {
    for (const part of parts) {
      const runs = Component.recordIn(directory, part);
      console.log(`${title} ${part}: ${runs ? `running, process ${runs.pid}` : 'not running'}`);
      if (!runs) process.exitCode = 1;
    }
  };
  const controllers = ['kube-controller-manager', 'kube-scheduler'];
  show('control plane', join(folder, 'control-plane'), ['etcd', 'kube-apiserver', ...controllers]);
  for (const node of readdirSync(nodes)) {
    show(node, join(nodes, node), ['init', 'containerd', 'kubelet', 'kube-proxy']);
  }
}

async function kubectl(args: readonly string[], { name }: Named): Promise<void> {
  const parts = await ensureParts(['kubectl'], say);
  await attach(parts.kubectl, ['--kubeconfig', join(clusterFolder(name), 'kubeconfig'), ...args]);
}

async function exec(node: string, command: readonly string[], { name }: Named): Promise<void> {
  const init = Component.recordIn(join(clusterFolder(name), 'nodes', node), 'init');
  if (!init) throw new Error(`cluster "${name}" has no node ${node} that is up`);
  const namespaces = ['--mount', '--net', '--uts', '--pid'];
  await attach('nsenter', [`--target=${init.pid}`, ...namespaces, '--', ...command]);
}

/** Runs it on this terminal and ends as it does. */
async function attach(program: string, args: readonly string[]): Promise<void> {
  const child = spawn(program, args, { stdio: 'inherit' });
  process.exitCode = await new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });
}

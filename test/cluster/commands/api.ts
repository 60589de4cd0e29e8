/** `cluster api …`: the light form, an API server without nodes. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { startChurn, type Change } from '../api/churn.ts';
import { ApiClient } from '../api/client.ts';
import { fillCluster } from '../api/fill.ts';
import { shapeOf, type Shape } from '../api/made-up-objects.ts';
import { startControlPlane } from '../control-plane/control-plane.ts';
import { controlPlanesFolder, removeDirectory } from '../control-plane/owned-directory.ts';
import { Component } from '../process/component.ts';
import { say, timed } from './print.ts';

interface Named {
  readonly name: string;
}

interface Size extends Named {
  readonly pods: number;
  readonly policies: number;
  readonly nodes?: number;
  readonly namespaces?: number;
}

const connections = 8;

export function apiCommand(): Command {
  const api = new Command('api').description('etcd and kube-apiserver alone, on loopback; needs no root');
  add(api, 'up', 'start it; prints the path of its kubeconfig').action(up);
  add(api, 'status', 'whether it runs').action(status);
  add(api, 'down', 'stop it and remove all it has').action(down);
  addSize(add(api, 'fill', 'fill it with nodes, pods that run, and policies')).action(fill);
  addSize(add(api, 'churn', 'change the pods that `fill` made, until ^C'))
    .option('--rate <n>', 'changes a second', Number, 200)
    .option('--changes <list>', 'what to do in turns: label, replace', (text) => text.split(','))
    .action(churn);
  return api;
}

function add(parent: Command, name: string, description: string): Command {
  return parent
    .command(name)
    .description(description)
    .option('--name <name>', 'tells several apart', 'default');
}

function addSize(command: Command): Command {
  return command
    .option('--pods <n>', 'how many pods', Number, 1000)
    .option('--policies <n>', 'how many policies', Number, 0)
    .option('--nodes <n>', 'how many nodes (default: one for 100 pods)', Number)
    .option('--namespaces <n>', 'how many namespaces (default: one for 100 pods)', Number);
}

async function up({ name }: Named): Promise<void> {
  const directory = folderOf(name);
  if (existsSync(directory)) throw new Error(`"${name}" is there already; \`api down\` removes it`);
  const { kubeconfig, url } = await timed('ready', async () =>
    startControlPlane({ keepAs: name, progress: say }),
  );
  say(`${url}; use it by: kubectl --kubeconfig ${kubeconfig} get namespaces`);
  console.log(kubeconfig);
}

async function status({ name }: Named): Promise<void> {
  const directory = folderOf(name);
  if (!existsSync(directory)) {
    say(`there is no "${name}"`);
    process.exitCode = 1;
    return;
  }
  for (const part of ['etcd', 'kube-apiserver']) {
    const record = Component.recordIn(directory, part);
    console.log(`${part}: ${record === undefined ? 'not running' : `running, process ${record.pid}`}`);
    if (record === undefined) process.exitCode = 1;
  }
}

async function down({ name }: Named): Promise<void> {
  const directory = folderOf(name);
  if (!existsSync(directory)) return say(`there is no "${name}"`);
  await timed('stopped and removed', async () => removeDirectory(directory));
}

async function fill(size: Size): Promise<void> {
  const shape = shapeFrom(size);
  const client = clientOf(size);
  const { nodes, namespaces, pods, policies } = shape;
  await timed(
    `${nodes} nodes, ${namespaces} namespaces, ${pods} running pods, ${policies} policies`,
    async () => fillCluster(client, shape),
  );
  client.close();
}

async function churn(options: Size & { rate: number; changes?: Change[] }): Promise<void> {
  const client = clientOf(options);
  const running = startChurn(client, shapeFrom(options), options.rate, options.changes);
  const started = performance.now();
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
  const count = await running.stop();
  const seconds = (performance.now() - started) / 1000;
  say(`${count} changes in ${seconds.toFixed(1)} s, ${(count / seconds).toFixed(0)} a second`);
  client.close();
}

function shapeFrom({ pods, policies, nodes, namespaces }: Size): Shape {
  return shapeOf({
    pods,
    policies,
    ...(nodes === undefined ? {} : { nodes }),
    ...(namespaces === undefined ? {} : { namespaces }),
  });
}

function clientOf({ name }: Named): ApiClient {
  return new ApiClient(join(folderOf(name), 'kubeconfig'), connections);
}

function folderOf(name: string): string {
  if (!/^[a-z0-9][a-z0-9-]*$/.test(name)) throw new Error(`${name} can't be a name`);
  return join(controlPlanesFolder(), name);
}

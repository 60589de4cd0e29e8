/** The control groups of a cluster's nodes: /bulkhead-cluster-CLUSTER/NODE in every hierarchy that the machine has. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = '/sys/fs/cgroup';

export function nodeControlGroup(cluster: string, node: string): string {
  return join(clusterControlGroup(cluster), node);
}

export function createControlGroup(path: string): void {
  for (const hierarchy of hierarchies()) {
    const steps = path.split('/').filter((step) => step !== '');
    for (let depth = 1; depth <= steps.length; depth++) {
      const group = join(hierarchy, ...steps.slice(0, depth));
      mkdirSync(group, { recursive: true });
      // A new group of version 1 has no processors and no memory, and takes no process before it has.
      for (const resource of ['cpuset.cpus', 'cpuset.mems']) {
        const file = join(group, resource);
        if (existsSync(file) && !existsSync(join(group, 'cgroup.controllers'))) {
          writeFileSync(file, readFileSync(join(group, '..', resource)));
        }
      }
    }
  }
}

/** Of a node, with those that its kubelet made in it. All processes have ended before. */
export function removeNodeControlGroup(cluster: string, node: string): void {
  for (const hierarchy of hierarchies()) removeTree(join(hierarchy, nodeControlGroup(cluster, node)));
}

/** Of all nodes. */
export function removeClusterControlGroup(cluster: string): void {
  for (const hierarchy of hierarchies()) removeTree(join(hierarchy, clusterControlGroup(cluster)));
}

function clusterControlGroup(cluster: string): string {
  return `/bulkhead-cluster-${cluster}`;
}

/** One for each controller (version 1), or one for all. */
function hierarchies(): string[] {
  if (existsSync(join(root, 'cgroup.controllers'))) return [root];
  return readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(root, entry.name));
}

function removeTree(path: string): void {
  if (!existsSync(path)) return;
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.isDirectory()) removeTree(join(path, entry.name));
  }
  rmdirSync(path);
}

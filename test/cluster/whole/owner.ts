/** A process that owns a cluster until it is killed. Argument: the cluster's name. Prints the processes that it owns. */
import { clusterUp } from './cluster.ts';

const { etcd, apiserver, nodes } = await clusterUp({ name: process.argv[2] ?? '', nodes: 1 });
const components = [etcd, apiserver, ...nodes.flatMap((node) => node.components)];
console.log(JSON.stringify(components.map((component) => component.identity)));
setInterval(() => undefined, 1000);

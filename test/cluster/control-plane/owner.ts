/** A process that owns a control plane until it is killed; prints what it owns. */
import { startControlPlane } from './control-plane.ts';

const { directory, etcd, apiserver } = await startControlPlane();
console.log(JSON.stringify({ directory, processes: [etcd.identity, apiserver.identity] }));
setInterval(() => undefined, 1000);

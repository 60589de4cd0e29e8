/** A process of its own that changes a lab's network, for tests that kill it: run-lab.ts LAB PODS... */
import { reconcileNetwork } from '../../../src/lab/network/reconcile.ts';
import { address, manyPods } from './small-cluster.ts';

const [lab = '', ...counts] = process.argv.slice(2);
for (const count of counts) {
  const external = ['8.8.8.8', '2001:4860::8'].map(address);
  await reconcileNetwork({ lab, cluster: manyPods(Number(count)), external });
}

/**
 * An agent to be killed: enforces on the nodes of a lab the clusters that come in, a line each (src/lab/wire.ts), and
 * says so. Arguments: the engine and the lab. Ends by itself with its input; the kernel goes on enforcing.
 */
import { Enforcer } from '../../src/agent/enforcer.ts';
import { decodeLine, onLines } from '../../src/lab/wire.ts';
import type { Cluster } from '../../src/objects/model.ts';
import { engines, nobody } from './engines.ts';

const [, , engineName, lab = ''] = process.argv;
const engine = [...engines, nobody].find(({ name }) => name === engineName);
if (!engine) throw new Error(`no engine ${engineName}`);
const enforcer = new Enforcer();
onLines(process.stdin, (line) => {
  const cluster = decodeLine(line) as Cluster;
  if (enforcer.datapaths.size === 0)
    for (const node of cluster.nodes.keys()) enforcer.addNode(node, engine.open(lab, node));
  enforcer.update(cluster);
  process.stdout.write('enforced\n');
});
process.stdin.on('end', () => {
  enforcer.close();
});

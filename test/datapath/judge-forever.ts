/** Judges one packet again and again until it is killed. Arguments: path of a pinned program, the packet in hex. */
import { testRun } from '../../src/datapath/ebpf/test-run.ts';
import { libbpf } from '../../src/kernel/libbpf.ts';

const [path = '', packet = ''] = process.argv.slice(2);
const program = libbpf().get(path);
process.stdout.write('ready\n');
for (;;) testRun(program, Buffer.from(packet, 'hex'), 100_000);

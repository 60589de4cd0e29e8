/** A process to be killed: opens a datapath, applies the guard world, says so, and waits. Arguments: netns, pinDir, engine. */
import { openEbpfDatapath } from '../../src/datapath/ebpf/ebpf-datapath.ts';
import { openNftablesDatapath } from '../../src/datapath/nftables/nftables-datapath.ts';
import { worldDelta } from './guard-world.ts';
import { objectPath, testCapacity } from './kernel-tables.ts';

const [netns = '', pinDir = '', engine = 'ebpf'] = process.argv.slice(2);
const datapath =
  engine === 'nftables'
    ? openNftablesDatapath({ netns })
    : openEbpfDatapath({ netns, pinDir, objectPath, capacity: testCapacity });
datapath.apply(worldDelta);
process.stdout.write('ready\n');
setInterval(() => undefined, 60_000);

/** BPF_PROG_TEST_RUN: the loaded programs on packet bytes, without a network. For tests and benchmarks. */
import { addressOfBuffer, libbpf } from '../../kernel/libbpf.ts';
import { SystemCallError } from '../../kernel/libc.ts';

export interface TestRun {
  readonly accepted: boolean;
  /** Mean nanoseconds per run. */
  readonly nanoseconds: number;
}

const NF_ACCEPT = 1;

/** struct bpf_test_run_opts by offset; fields that stay 0 are left out. */
const layout = { size: 80, sz: 0, dataIn: 8, dataSizeIn: 24, retval: 56, repeat: 60, duration: 64 } as const;

/** The options and the packet that they point to are made once: to marshal them anew would cost more than the run. */
interface Scratch {
  readonly options: Buffer;
  readonly packet: Buffer;
}

/** The kernel takes no longer packet without fragments. */
const longestPacket = 65_536;

let scratch: Scratch | undefined;

function makeScratch(): Scratch {
  const [options, packet] = [Buffer.alloc(layout.size), Buffer.alloc(longestPacket)];
  options.writeBigUInt64LE(BigInt(layout.size), layout.sz);
  options.writeBigUInt64LE(addressOfBuffer(packet), layout.dataIn);
  return { options, packet };
}

/**
 * Runs a program `repeat` times. `packet` begins with the IP header, which is where a netfilter program finds it. There
 * are no interfaces and no conntrack entry (LoadOptions.testTracking). Throws SystemCallError.
 */
export function testRun(program: number, packet: Uint8Array, repeat = 1): TestRun {
  scratch ??= makeScratch();
  const { options } = scratch;
  scratch.packet.set(packet);
  options.writeUInt32LE(packet.length, layout.dataSizeIn);
  options.writeInt32LE(repeat, layout.repeat);
  const result = libbpf().testRun(program, options);
  if (result < 0) throw new SystemCallError('BPF_PROG_TEST_RUN', -result);
  return {
    accepted: options.readUInt32LE(layout.retval) === NF_ACCEPT,
    nanoseconds: options.readUInt32LE(layout.duration),
  };
}

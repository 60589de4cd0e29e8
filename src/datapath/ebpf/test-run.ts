/** BPF_PROG_TEST_RUN: the loaded programs on packet bytes, without a network. For tests and benchmarks. */
import { libbpf } from '../../kernel/libbpf.ts';
import { SystemCallError } from '../../kernel/libc.ts';

export interface TestRun {
  readonly accepted: boolean;
  /** Mean nanoseconds per run. */
  readonly nanoseconds: number;
}

const NF_ACCEPT = 1;
/** sizeof(struct bpf_test_run_opts) */
const optionsSize = 80n;

/**
 * Runs a program `repeat` times. `packet` begins with the IP header, which is where a netfilter program finds it. There
 * are no interfaces and no conntrack entry (LoadOptions.testTracking). Throws SystemCallError.
 */
export function testRun(program: number, packet: Uint8Array, repeat = 1): TestRun {
  const options = {
    sz: optionsSize,
    data_in: packet,
    data_out: null,
    data_size_in: packet.length,
    data_size_out: 0,
    ctx_in: null,
    ctx_out: null,
    ctx_size_in: 0,
    ctx_size_out: 0,
    retval: 0,
    repeat,
    duration: 0,
    flags: 0,
    cpu: 0,
    batch_size: 0,
  };
  const result = libbpf().testRun(program, options);
  if (result < 0) throw new SystemCallError('BPF_PROG_TEST_RUN', -result);
  return { accepted: options.retval === NF_ACCEPT, nanoseconds: options.duration };
}

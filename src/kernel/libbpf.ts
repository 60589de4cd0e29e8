/**
 * libbpf 1.x by koffi: what the datapath needs of it, named as libbpf names it. Functions that return an int return
 * -errno on failure. Arrays of keys and values are passed as one packed buffer.
 */
import koffi from 'koffi';
import { BulkheadError, failure } from '../errors.ts';

/** An opaque pointer of the library. */
export type Handle = bigint;

export interface Libbpf {
  readonly setPrint: (print: null) => unknown;
  readonly openFile: (path: string, options: null) => Handle | null;
  readonly load: (object: Handle) => number;
  readonly close: (object: Handle) => void;
  readonly findMap: (object: Handle, name: string) => Handle | null;
  readonly setMaxEntries: (map: Handle, entries: number) => number;
  readonly setValueSize: (map: Handle, bytes: number) => number;
  readonly reuseFd: (map: Handle, fd: number) => number;
  readonly setInitialValue: (map: Handle, data: Uint8Array, size: number) => number;
  readonly mapFd: (map: Handle) => number;
  readonly findProgram: (object: Handle, name: string) => Handle | null;
  readonly setType: (program: Handle, type: number) => number;
  readonly setExpectedAttachType: (program: Handle, type: number) => number;
  readonly setLogBuffer: (program: Handle, buffer: Uint8Array, size: number) => number;
  readonly programFd: (program: Handle) => number;
  readonly pin: (fd: number, path: string) => number;
  readonly get: (path: string) => number;
  readonly lookup: (map: number, key: Uint8Array, value: Uint8Array) => number;
  readonly update: (map: number, key: Uint8Array, value: Uint8Array, flags: number) => number;
  /**
   * `from` null starts at the beginning; `next` is where to go on. `count` holds the number of entries before and of those
   * done after. ENOENT: that was the end.
   */
  readonly lookupBatch: (
    map: number,
    from: Uint8Array | null,
    next: Uint8Array,
    keys: Uint8Array,
    values: Uint8Array,
    count: Uint32Array,
    options: null,
  ) => number;
  readonly possibleCpus: () => number;
  /** `info` is a struct bpf_…_info, of which the kernel fills in what fits; `length` holds its size. */
  readonly infoByFd: (fd: number, info: Uint8Array, length: Uint32Array) => number;
  /** `options` is a struct bpf_test_run_opts, which the kernel fills in. */
  readonly testRun: (program: number, options: Uint8Array) => number;
}

let loaded: Libbpf | undefined;

/** Loads the shared library on first use. Throws BulkheadError BPF_LIBRARY_MISSING. */
export function libbpf(): Libbpf {
  loaded ??= bind(openLibbpf());
  return loaded;
}

/** Where the bytes of a buffer are in memory; they stay there as long as the buffer lives. */
export function addressOfBuffer(buffer: Uint8Array): bigint {
  return koffi.address(buffer);
}

/** Throws BulkheadError BPF_LIBRARY_MISSING. */
export function openLibbpf(name = 'libbpf.so.1'): ReturnType<typeof koffi.load> {
  try {
    return koffi.load(name);
  } catch (cause) {
    throw new BulkheadError(
      failure('BPF_LIBRARY_MISSING', `${name}, which loads the BPF programs, is not installed`, {
        hint: 'Install it: apt-get install libbpf1',
      }),
      { cause },
    );
  }
}

function bind(library: ReturnType<typeof koffi.load>): Libbpf {
  const functions: Libbpf = {
    setPrint: library.func('void *libbpf_set_print(void *)'),
    openFile: library.func('void *bpf_object__open_file(const char *, const void *)'),
    load: library.func('int bpf_object__load(void *)'),
    close: library.func('void bpf_object__close(void *)'),
    findMap: library.func('void *bpf_object__find_map_by_name(void *, const char *)'),
    setMaxEntries: library.func('int bpf_map__set_max_entries(void *, uint32_t)'),
    setValueSize: library.func('int bpf_map__set_value_size(void *, uint32_t)'),
    reuseFd: library.func('int bpf_map__reuse_fd(void *, int)'),
    setInitialValue: library.func('int bpf_map__set_initial_value(void *, const void *, size_t)'),
    mapFd: library.func('int bpf_map__fd(void *)'),
    findProgram: library.func('void *bpf_object__find_program_by_name(void *, const char *)'),
    setType: library.func('int bpf_program__set_type(void *, int)'),
    setExpectedAttachType: library.func('int bpf_program__set_expected_attach_type(void *, int)'),
    setLogBuffer: library.func('int bpf_program__set_log_buf(void *, void *, size_t)'),
    programFd: library.func('int bpf_program__fd(void *)'),
    pin: library.func('int bpf_obj_pin(int, const char *)'),
    get: library.func('int bpf_obj_get(const char *)'),
    lookup: library.func('int bpf_map_lookup_elem(int, const void *, void *)'),
    update: library.func('int bpf_map_update_elem(int, const void *, const void *, uint64_t)'),
    lookupBatch: library.func(
      'int bpf_map_lookup_batch(int, void *, void *, void *, void *, void *, const void *)',
    ),
    possibleCpus: library.func('int libbpf_num_possible_cpus()'),
    infoByFd: library.func('int bpf_obj_get_info_by_fd(int, void *, void *)'),
    testRun: library.func('int bpf_prog_test_run_opts(int, void *)'),
  };
  // Its messages go to stderr; what matters comes back as -errno and in the verifier's log.
  functions.setPrint(null);
  return functions;
}

/** The BPF object file, opened, sized, set up and loaded: its maps and programs as descriptors. */
import { existsSync } from 'node:fs';
import { BulkheadError, failure } from '../../errors.ts';
import { BPF_NETFILTER, BPF_PROG_TYPE_NETFILTER } from '../../kernel/bpf.ts';
import { BpfMap } from '../../kernel/bpf-map.ts';
import { libbpf } from '../../kernel/libbpf.ts';
import type { Handle } from '../../kernel/libbpf.ts';
import { errno, SystemCallError } from '../../kernel/libc.ts';
import { processorLimit } from '../../kernel/processors.ts';
import type { Capacity } from './capacity.ts';
import { randomSeed } from './hash.ts';
import type { HashSeed } from './hash.ts';
import { layouts, testStages } from './layout.ts';
import { RuleCounters } from './rule-counters.ts';
import { shareTables, tableNames, tableSizes } from './table-memory.ts';
import type { TableMemory } from './table-memory.ts';

export const programNames = ['forward4', 'forward6', 'local_in4', 'local_in6'] as const;
export type ProgramName = (typeof programNames)[number];

export const mapNames = [
  ...tableNames,
  'rule_counters',
  'reason_counters',
  'lost_events',
  'events',
  'cached_verdicts',
  'verdict_tags',
  'test_flows',
] as const;
export type MapName = (typeof mapNames)[number];

export interface LoadOptions {
  readonly objectPath: string;
  readonly capacity: Capacity;
  /** What pods' interfaces are called in the node's namespace, at most eight characters of it. */
  readonly podInterfacePrefix?: string;
  /**
   * Only for BPF_PROG_TEST_RUN, which can't carry conntrack: the enum ip_conntrack_info that every packet is taken to
   * have.
   */
  readonly testTracking?: number;
  /** Only for tests: zero makes all rows of a table meet. */
  readonly testSeed?: HashSeed;
  /** Only for BPF_PROG_TEST_RUN: how many IPv4 flows there may be in place of what packets say (test_flows). */
  readonly testFlows?: number;
  /** Only for BPF_PROG_TEST_RUN: has the tables, of the same capacity, that the programs read. */
  readonly testTables?: LoadedObject;
  /** Only for BPF_PROG_TEST_RUN: after which part of its judgement every packet passes. */
  readonly testStage?: keyof typeof testStages;
}

export interface LoadedObject {
  readonly maps: Readonly<Record<MapName, BpfMap>>;
  readonly programs: Readonly<Record<ProgramName, number>>;
  /** Of the tables. Not to be touched any more after `close`. */
  readonly memory: TableMemory;
  /** Nor these. */
  readonly ruleCounters: RuleCounters;
  readonly seed: HashSeed;
  /** Lets go of the descriptors; what is attached or pinned lives on. */
  close(): void;
}

/** BPF_PROG_TEST_RUN: bpf/options.h TEST_TRACKING. */
const testTrackingFlag = 8;

/** Throws BulkheadError BPF_OBJECT_MISSING, BPF_OBJECT_UNREADABLE, BPF_LOAD_FAILED. */
export function loadObject(options: LoadOptions): LoadedObject {
  const { objectPath } = options;
  if (!existsSync(objectPath)) {
    throw new BulkheadError(
      failure('BPF_OBJECT_MISSING', `the compiled BPF programs are not at ${objectPath}`, {
        hint: 'Build them: scripts/build-bpf.sh (an installed package has them in dist/).',
      }),
    );
  }
  const library = libbpf();
  const object = library.openFile(objectPath, null);
  if (object === null) {
    throw new BulkheadError(
      failure('BPF_OBJECT_UNREADABLE', `${objectPath} is no BPF object file`, {
        hint: 'Build it anew: scripts/build-bpf.sh',
      }),
      { cause: new SystemCallError('bpf_object__open_file', errno()) },
    );
  }
  try {
    const seed = options.testTables?.seed ?? options.testSeed ?? randomSeed();
    resize(object, options);
    if (options.testTables) useTables(object, options.testTables);
    setOptions(object, options, seed);
    load(object, objectPath);
    return loadedObject(object, options.capacity, seed);
  } catch (error) {
    library.close(object);
    throw error;
  }
}

function resize(object: Handle, { capacity, testFlows = 0 }: LoadOptions): void {
  const { nodes4, port_lists, addresses6, ...once } = tableSizes(capacity);
  const sizes: Partial<Record<MapName, number>> = {
    // Two copies.
    addresses6: 2 * addresses6,
    ...once,
    rule_counters: processorLimit(),
    events: capacity.eventBytes,
    cached_verdicts: Math.max(1, capacity.cachedVerdicts),
  };
  for (const [name, entries] of Object.entries(sizes)) {
    required(`size of map ${name}`, libbpf().setMaxEntries(mapHandle(object, name), entries));
  }
  const wholes = {
    nodes4: 2 * nodes4 * layouts.node4.size,
    port_lists: port_lists * layouts.port_list.size,
    rule_counters: capacity.rules * layouts.counter.size,
    verdict_tags: Math.max(8, 2 * capacity.cachedVerdicts),
    test_flows: layouts.test_list.size + testFlows * layouts.test_flow.size,
  };
  for (const name of Object.keys(wholes) as (keyof typeof wholes)[])
    required(`size of map ${name}`, libbpf().setValueSize(mapHandle(object, name), wholes[name]));
}

function useTables(object: Handle, { maps }: LoadedObject): void {
  for (const name of tableNames) {
    required(`map ${name} of another object`, libbpf().reuseFd(mapHandle(object, name), maps[name].fd));
  }
}

function setOptions(object: Handle, options: LoadOptions, seed: HashSeed): void {
  const { capacity, podInterfacePrefix = '', testTracking, testFlows = 0, testStage } = options;
  const layout = layouts.options;
  const bytes = new Uint8Array(layout.size);
  const view = new DataView(bytes.buffer);
  const name = new TextEncoder().encode(podInterfacePrefix).subarray(0, 8);
  bytes.set(name, layout.pod_interface_name);
  bytes.fill(0xff, layout.pod_interface_mask, layout.pod_interface_mask + name.length);
  if (testTracking !== undefined) {
    view.setUint32(layout.test_tracking, testTrackingFlag | testTracking, true);
  }
  view.setUint32(layout.cached_verdicts, capacity.cachedVerdicts, true);
  view.setUint32(layout.test_flows, testFlows, true);
  view.setUint32(layout.rules, capacity.rules, true);
  view.setUint32(layout.test_stage, testStage === undefined ? 0 : testStages[testStage], true);
  seed.forEach((word, index) => {
    view.setUint32(layout.hash + 4 * index, word, true);
  });
  const sizes = tableSizes(capacity);
  for (const table of ['nodes4', 'addresses6', 'classes', 'ports', 'port_lists'] as const)
    view.setUint32(layout[table], sizes[table], true);
  required('options', libbpf().setInitialValue(mapHandle(object, '.rodata'), bytes, bytes.length));
}

function load(object: Handle, objectPath: string): void {
  const library = libbpf();
  const logs = programNames.map((name) => {
    const program = programHandle(object, name);
    const log = Buffer.alloc(1 << 16);
    required('type', library.setType(program, BPF_PROG_TYPE_NETFILTER));
    required('attach type', library.setExpectedAttachType(program, BPF_NETFILTER));
    required('log', library.setLogBuffer(program, log, log.length));
    return log;
  });
  const result = library.load(object);
  if (result >= 0) return;
  const cause = new SystemCallError('bpf_object__load', -result);
  const said = logs.map((log) => log.toString('utf8', 0, log.indexOf(0)).trim()).find((text) => text !== '');
  throw new BulkheadError(
    failure('BPF_LOAD_FAILED', `the kernel refuses the programs of ${objectPath}: ${cause.message}`, {
      hint: said
        ? `It says: ${said.split('\n').slice(-8).join('\n')}`
        : 'Look at the kernel log: dmesg | tail',
    }),
    { cause },
  );
}

function loadedObject(object: Handle, capacity: Capacity, seed: HashSeed): LoadedObject {
  const library = libbpf();
  const maps = mapNames.map((name) => {
    const fd = library.mapFd(mapHandle(object, name));
    return [name, new BpfMap({ name, fd })] as const;
  });
  const programs = programNames.map(
    (name) => [name, library.programFd(programHandle(object, name))] as const,
  );
  const tables = shareTables(capacity, (name) => library.mapFd(mapHandle(object, name)));
  const ruleCounters = new RuleCounters(library.mapFd(mapHandle(object, 'rule_counters')), capacity.rules);
  let open = true;
  return {
    maps: Object.fromEntries(maps) as Record<MapName, BpfMap>,
    programs: Object.fromEntries(programs) as Record<ProgramName, number>,
    memory: tables.memory,
    ruleCounters,
    seed,
    close: () => {
      if (!open) return;
      open = false;
      tables.close();
      ruleCounters.close();
      library.close(object);
    },
  };
}

function mapHandle(object: Handle, name: string): Handle {
  const map = libbpf().findMap(object, name);
  if (map === null) throw stale(`it has no map ${name}`);
  return map;
}

function programHandle(object: Handle, name: ProgramName): Handle {
  const program = libbpf().findProgram(object, `bulkhead_${name}`);
  if (program === null) throw stale(`it has no program bulkhead_${name}`);
  return program;
}

function required(what: string, result: number): void {
  if (result >= 0) return;
  const cause = new SystemCallError(`setting up the BPF object: ${what}`, -result);
  throw stale(`it does not take the ${what}`, cause);
}

/** As after an update of a checkout that did not build the object again. */
function stale(difference: string, cause?: Error): BulkheadError {
  const message = `the compiled BPF programs belong to another version of bulkhead: ${difference}`;
  const hint = 'In a checkout build them again with `npm run setup`; else install the package again.';
  return new BulkheadError(failure('BPF_OBJECT_STALE', message, { hint }), { cause });
}

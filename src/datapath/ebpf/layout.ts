/**
 * Rows of the tables as bytes of the maps: the structs of bpf/tables.h and bpf/report.h, field by field. A test compares
 * sizes and offsets with the type information in the object file. Numbers are in host order, which is little-endian
 * on every machine that Bulkhead is built for; addresses are in network order.
 */
import type { ClassRow, PortRow } from '../../compiler/tables.ts';
import { exact, shadowed } from './prefix-rows.ts';
import type { Row, SlotShape } from './slot-table.ts';

/** Byte offsets by struct and field, as the object has them. */
export const layouts = {
  subject: { size: 16, identity: 0, ingress_set: 4, egress_set: 8, role: 12 },
  node4: { size: 64, entries: 0 },
  root4: { size: 8, around: 0, below: 4 },
  slot6: { size: 20, prefix: 0, value: 16 },
  line6: { size: 64, slots: 0, zero: 60 },
  directory6_entry: { size: 16, spans: 0 },
  class_slot: { size: 16, key: 0, class: 8, spans: 12 },
  class_line: { size: 64, slots: 0 },
  port_slot: { size: 16, key: 0, rule: 8, allow: 12 },
  port_line: { size: 64, slots: 0 },
  port_list: { size: 64, entries: 0 },
  control: { size: 8, epoch: 0, flags: 4 },
  counter: { size: 16, packets: 0, bytes: 8 },
  options: {
    size: 112,
    pod_interface_name: 0,
    pod_interface_mask: 8,
    test_tracking: 16,
    cached_verdicts: 24,
    test_flows: 32,
    hash: 40,
    nodes4: 80,
    addresses6: 84,
    classes: 88,
    ports: 92,
    port_lists: 96,
    rules: 100,
    test_stage: 104,
    zero: 108,
  },
  cached_verdict: {
    size: 64,
    sequence: 0,
    epoch: 4,
    source: 8,
    destination: 24,
    port: 40,
    protocol: 42,
    family: 43,
    hook: 44,
    local_pods: 45,
    egress_reason: 46,
    ingress_reason: 47,
    egress_rule: 48,
    egress_set: 52,
    ingress_rule: 56,
    ingress_set: 60,
  },
  test_flow: { size: 12, source: 0, destination: 4, source_port: 8, port: 10 },
  test_list: { size: 8, next: 0, count: 4, flows: 8 },
  event: {
    size: 72,
    time: 0,
    source: 8,
    destination: 24,
    egress: 40,
    ingress: 48,
    source_port: 56,
    port: 58,
    egress_reason: 60,
    ingress_reason: 61,
    protocol: 62,
    family: 63,
    hook: 64,
    allowed: 65,
    zero: 66,
  },
  event_decision: { size: 8, rule: 0, set: 4 },
} as const;

/** enum role. */
export const roles = { 'local-pod': 1, remote: 2, 'local-node': 3 } as const;

/** enum test_stage. */
export const testStages = { read: 1, recall: 2, addresses: 3, judge: 4 } as const;

/** Which of the two copies of the address tables: the low bit of an epoch. */
export type Version = 0 | 1;

export const flags = { allowedEvents: 1 } as const;

const all = 0xffffffff;
const valueKey = exact + shadowed;
export const slot6: SlotShape = {
  slots: 3,
  window: 32,
  key: [all, all, all, all, valueKey],
  hashed: 4,
  gone: [0, 0, 0, 0, 1],
};
/** Of classes and ports, whose key is one number of 64 bits. */
export const pairSlot: SlotShape = {
  slots: 4,
  window: 24,
  key: [all, all, 0, 0],
  hashed: 2,
  gone: [1, 0],
};

export function classSlot(row: ClassRow): Row {
  return [row.identity, row.set, row.class, spansOf(row.lengths)];
}

const isListed = 0x40000000;

/** Of a class whose ports are in a list. */
export function listedClassSlot(row: ClassRow, list: number): Row {
  return [row.identity, row.set, list, isListed];
}

const isOne = 0x20000000;

/** Of a class that has one entry: that is in the row itself. */
export function singleClassSlot(row: ClassRow, [prefix, outcome]: PortEntry): Row {
  return [row.identity, row.set, outcome, (isOne | prefix) >>> 0];
}

const portKey = 0x80000000;

function portPrefix({ protocol, port, prefixLength }: PortRow): number {
  return (protocol << 17) | (port << 1) | (1 << (16 - prefixLength));
}

export function portSlot(row: PortRow): Row {
  const prefix = row.protocol === 0 ? 0 : portPrefix(row);
  return [(portKey | prefix) >>> 0, row.class, row.rule, row.allow ? 1 : 0];
}

export const portsOfList = 8;
export const unusedPort = 0x80000001;
const anyPort = 0x40000000;

/** Of a list, or of a class that has no other. */
export type PortEntry = readonly [prefix: number, outcome: number];

export function portEntry(row: PortRow): PortEntry {
  const prefix = row.protocol === 0 ? anyPort : portPrefix(row);
  return [prefix, row.rule * 2 + (row.allow ? 1 : 0)];
}

/** Prefix length n covers 2^(16-n) ports: bit n becomes bit 16-n; bit 31, any protocol, stays. */
export function spansOf(lengths: number): number {
  let spans = lengths & 0x80000000;
  for (let length = 0; length <= 16; length++) if (lengths & (1 << length)) spans |= 1 << (16 - length);
  return spans >>> 0;
}

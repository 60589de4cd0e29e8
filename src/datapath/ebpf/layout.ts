/**
 * Rows of the tables as bytes of the maps: the structs of bpf/tables.h and bpf/report.h, field by field. A test compares
 * sizes and offsets with the type information in the object file. Numbers are in host order, which is little-endian
 * on every machine that Bulkhead is built for; addresses are in network order.
 */
import type { ClassRow, AddressValue, PortRow } from '../../compiler/tables.ts';
import type { IdentityId } from '../../compiler/program.ts';
import type { PackedEntries, PackedKeys } from '../../kernel/bpf-map.ts';
import type { Address, Cidr, IpFamily } from '../../objects/ip.ts';

/** Byte offsets by struct and field, as the object has them. */
export const layouts = {
  address_value: { size: 16, identity: 0, ingress_set: 4, egress_set: 8, role: 12 },
  address4_key: { size: 8, address: 0, version: 4 },
  address6_key: { size: 20, address: 0, version: 16 },
  cidr4_key: { size: 12, prefix_length: 0, version: 4, address: 8 },
  cidr6_key: { size: 24, prefix_length: 0, version: 4, address: 8 },
  cidr_value: { size: 4, identity: 0 },
  class_key: { size: 8, set: 0, identity: 4 },
  class_value: { size: 8, class: 0, spans: 4 },
  port_key: { size: 12, class: 0, span: 4, port: 8, protocol: 10, zero: 11 },
  port_value: { size: 8, rule: 0, allow: 4 },
  control: { size: 8, epoch: 0, flags: 4 },
  counter: { size: 16, packets: 0, bytes: 8 },
  options: {
    size: 40,
    pod_interface_name: 0,
    pod_interface_mask: 8,
    test_tracking: 16,
    cached_verdicts: 24,
    test_flows: 32,
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
  test_flow: { size: 40, source: 0, destination: 16, source_port: 32, port: 34, next: 36 },
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
const roles = { 'local-pod': 1, remote: 2, 'local-node': 3 } as const;

/** Which of the two copies of the address tables: the low bit of an epoch. */
export type Version = 0 | 1;

export const flags = { allowedEvents: 1 } as const;

export interface AddressChange {
  readonly address: Address;
  readonly value: AddressValue;
}

export interface CidrChange {
  readonly cidr: Cidr;
  readonly identity: IdentityId;
}

export function addressKeys(family: IpFamily, version: Version, addresses: readonly Address[]): PackedKeys {
  const key = family === 4 ? layouts.address4_key : layouts.address6_key;
  return packKeys(key.size, addresses, (view, offset, address) => {
    putAddress(view, offset + key.address, address);
    view.setUint32(offset + key.version, version, true);
  });
}

export function addressEntries(
  family: IpFamily,
  version: Version,
  rows: readonly AddressChange[],
): PackedEntries {
  const { size, identity, ingress_set, egress_set, role } = layouts.address_value;
  const keys = addressKeys(
    family,
    version,
    rows.map((row) => row.address),
  );
  const { keys: values } = packKeys(size, rows, (view, offset, { value }) => {
    view.setUint32(offset + identity, value.identity, true);
    view.setUint32(offset + ingress_set, value.ingressSet, true);
    view.setUint32(offset + egress_set, value.egressSet, true);
    view.setUint32(offset + role, roles[value.role], true);
  });
  return { ...keys, values };
}

export function cidrKeys(family: IpFamily, version: Version, cidrs: readonly Cidr[]): PackedKeys {
  const key = family === 4 ? layouts.cidr4_key : layouts.cidr6_key;
  return packKeys(key.size, cidrs, (view, offset, cidr) => {
    view.setUint32(offset + key.prefix_length, 32 + cidr.prefixLength, true);
    view.setUint32(offset + key.version, version, true);
    putAddress(view, offset + key.address, cidr);
  });
}

export function cidrEntries(family: IpFamily, version: Version, rows: readonly CidrChange[]): PackedEntries {
  const keys = cidrKeys(
    family,
    version,
    rows.map((row) => row.cidr),
  );
  const { keys: values } = packKeys(layouts.cidr_value.size, rows, (view, offset, row) => {
    view.setUint32(offset + layouts.cidr_value.identity, row.identity, true);
  });
  return { ...keys, values };
}

export function classKeys(rows: readonly ClassRow[]): PackedKeys {
  const { size, set, identity } = layouts.class_key;
  return packKeys(size, rows, (view, offset, row) => {
    view.setUint32(offset + set, row.set, true);
    view.setUint32(offset + identity, row.identity, true);
  });
}

export function classEntries(rows: readonly ClassRow[]): PackedEntries {
  const layout = layouts.class_value;
  const { keys: values } = packKeys(layout.size, rows, (view, offset, row) => {
    view.setUint32(offset + layout.class, row.class, true);
    view.setUint32(offset + layout.spans, spansOf(row.lengths), true);
  });
  return { ...classKeys(rows), values };
}

export function portKeys(rows: readonly PortRow[]): PackedKeys {
  const layout = layouts.port_key;
  return packKeys(layout.size, rows, (view, offset, row) => {
    view.setUint32(offset + layout.class, row.class, true);
    if (row.protocol === 0) return;
    view.setUint32(offset + layout.span, 2 ** (16 - row.prefixLength), true);
    view.setUint16(offset + layout.port, row.port, true);
    view.setUint8(offset + layout.protocol, row.protocol);
  });
}

export function portEntries(rows: readonly PortRow[]): PackedEntries {
  const { size, rule, allow } = layouts.port_value;
  const { keys: values } = packKeys(size, rows, (view, offset, row) => {
    view.setUint32(offset + rule, row.rule, true);
    view.setUint32(offset + allow, row.allow ? 1 : 0, true);
  });
  return { ...portKeys(rows), values };
}

/** Prefix length n covers 2^(16-n) ports: bit n becomes bit 16-n; bit 31, any protocol, stays. */
export function spansOf(lengths: number): number {
  let spans = lengths & 0x80000000;
  for (let length = 0; length <= 16; length++) if (lengths & (1 << length)) spans |= 1 << (16 - length);
  return spans >>> 0;
}

function putAddress(
  view: DataView,
  offset: number,
  { family, bits }: { family: IpFamily; bits: bigint },
): void {
  if (family === 4) {
    view.setUint32(offset, Number(bits));
  } else {
    view.setBigUint64(offset, bits >> 64n);
    view.setBigUint64(offset + 8, BigInt.asUintN(64, bits));
  }
}

function packKeys<Row>(
  size: number,
  rows: readonly Row[],
  write: (view: DataView, offset: number, row: Row) => void,
): PackedKeys {
  const keys = new Uint8Array(size * rows.length);
  const view = new DataView(keys.buffer);
  rows.forEach((row, index) => {
    write(view, index * size, row);
  });
  return { count: rows.length, keys };
}

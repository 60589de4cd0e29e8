/** Records of the event ring as FlowEvents: struct event of bpf/report.h. */
import type { DatapathReason, FlowEvent } from '../datapath.ts';
import { reasons } from '../datapath.ts';
import { layouts } from './layout.ts';

const hookNames = ['forward', 'local-in'] as const;
const layout = layouts.event;

/** Decodes the record at `offset`; copies, so that the ring may be written over. */
export function decodeEvent(ring: DataView, offset: number): FlowEvent {
  const family = ring.getUint8(offset + layout.family) === 4 ? 4 : 6;
  return {
    time: ring.getBigUint64(offset + layout.time, true),
    family,
    hook: hookNames[ring.getUint8(offset + layout.hook)] ?? 'forward',
    source: addressAt(ring, offset + layout.source, family),
    destination: addressAt(ring, offset + layout.destination, family),
    protocol: ring.getUint8(offset + layout.protocol),
    sourcePort: ring.getUint16(offset + layout.source_port, true),
    port: ring.getUint16(offset + layout.port, true),
    allowed: ring.getUint8(offset + layout.allowed) === 1,
    egress: decisionAt(ring, offset + layout.egress, ring.getUint8(offset + layout.egress_reason)),
    ingress: decisionAt(ring, offset + layout.ingress, ring.getUint8(offset + layout.ingress_reason)),
  };
}

function decisionAt(ring: DataView, offset: number, reason: number): FlowEvent['egress'] {
  const { rule, set } = layouts.event_decision;
  return {
    reason: reasonOf(reason),
    rule: ring.getUint32(offset + rule, true),
    set: ring.getUint32(offset + set, true),
  };
}

function reasonOf(number: number): DatapathReason {
  return reasons[number] ?? 'none';
}

function addressAt(ring: DataView, offset: number, family: 4 | 6): Uint8Array {
  const start = ring.byteOffset + offset;
  return new Uint8Array(ring.buffer.slice(start, start + (family === 4 ? 4 : 16)) as ArrayBuffer);
}

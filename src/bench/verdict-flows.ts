/** Flows that take turns in place of one packet over and over: the list that bpf/test-flows.h goes through. */
import { layouts } from '../datapath/ebpf/layout.ts';
import type { BpfMap } from '../kernel/bpf-map.ts';
import { addressBytes } from '../objects/ip.ts';
import type { Address } from '../objects/ip.ts';

export interface BenchFlow {
  readonly source: Address;
  readonly destination: Address;
  /** TCP. */
  readonly sourcePort: number;
  readonly port: number;
}

/** Flows as the program takes them. */
export interface FlowList {
  readonly count: number;
  readonly values: Uint8Array;
  /** Of any of them: of what the program does not take from the list. */
  readonly packet: Uint8Array;
}

export function flowList(flows: readonly BenchFlow[], packet: Uint8Array): FlowList {
  const { size, source, destination, source_port, port, count } = layouts.test_flow;
  const values = new Uint8Array(flows.length * size);
  const view = new DataView(values.buffer);
  for (const [index, flow] of flows.entries()) {
    values.set(addressBytes(flow.source), index * size + source);
    values.set(addressBytes(flow.destination), index * size + destination);
    view.setUint16(index * size + source_port, flow.sourcePort, true);
    view.setUint16(index * size + port, flow.port, true);
  }
  view.setUint32(count, flows.length, true);
  return { count: flows.length, values, packet };
}

export function writeFlows(map: BpfMap, { count, values }: FlowList): void {
  map.putFirst(count, values);
}

/** The packet that answers. */
export function answer({ source, destination, sourcePort, port }: BenchFlow): BenchFlow {
  return { source: destination, destination: source, sourcePort: port, port: sourcePort };
}

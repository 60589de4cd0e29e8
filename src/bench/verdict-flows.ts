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
  /** struct test_list. */
  readonly value: Uint8Array;
  /** Of any of them: of what the program does not take from the list. */
  readonly packet: Uint8Array;
}

/** Of IPv4. */
export function flowList(flows: readonly BenchFlow[], packet: Uint8Array): FlowList {
  const { test_list: list, test_flow: flow } = layouts;
  const value = new Uint8Array(list.size + flows.length * flow.size);
  const view = new DataView(value.buffer);
  view.setUint32(list.count, flows.length, true);
  for (const [index, { source, destination, sourcePort, port }] of flows.entries()) {
    const at = list.flows + index * flow.size;
    value.set(addressBytes(source), at + flow.source);
    value.set(addressBytes(destination), at + flow.destination);
    view.setUint16(at + flow.source_port, sourcePort, true);
    view.setUint16(at + flow.port, port, true);
  }
  return { count: flows.length, value, packet };
}

/** Into a map that has room for so many flows. */
export function writeFlows(map: BpfMap, { value }: FlowList, room: number): void {
  const whole = new Uint8Array(layouts.test_list.size + room * layouts.test_flow.size);
  whole.set(value);
  map.set(new Uint8Array(Uint32Array.of(0).buffer), whole);
}

/** The packet that answers. */
export function answer({ source, destination, sourcePort, port }: BenchFlow): BenchFlow {
  return { source: destination, destination: source, sourcePort: port, port: sourcePort };
}

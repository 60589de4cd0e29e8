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

/** Fills a list of `length` with the flows, again and again; there must be one at least. */
export function writeFlows(map: BpfMap, length: number, flows: readonly BenchFlow[]): void {
  const { size, source, destination, source_port, port } = layouts.test_flow;
  const values = new Uint8Array(length * size);
  const view = new DataView(values.buffer);
  for (let index = 0; index < length; index++) {
    const flow = flows[index % flows.length];
    if (flow === undefined) throw new Error('no flows');
    values.set(addressBytes(flow.source), index * size + source);
    values.set(addressBytes(flow.destination), index * size + destination);
    view.setUint16(index * size + source_port, flow.sourcePort, true);
    view.setUint16(index * size + port, flow.port, true);
  }
  map.putFirst(length, values);
}

/** The packet that answers. */
export function answer({ source, destination, sourcePort, port }: BenchFlow): BenchFlow {
  return { source: destination, destination: source, sourcePort: port, port: sourcePort };
}

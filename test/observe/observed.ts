/** Events as the datapaths of two nodes would report them: from the tables that each of them holds. */
import { Compiler } from '../../src/compiler/compiler.ts';
import { computeDelta, emptyTables } from '../../src/compiler/delta.ts';
import { nodeTables } from '../../src/compiler/node-tables.ts';
import type { Program } from '../../src/compiler/program.ts';
import { TableModel } from '../../src/compiler/table-model.ts';
import type { FlowEvent } from '../../src/datapath/datapath.ts';
import { addressBytes } from '../../src/objects/ip.ts';
import type { ObservedEvent } from '../../src/observe/flow-record.ts';
import type { Snapshot } from '../../src/observe/history.ts';
import type { Flow } from '../../src/policy/verdict.ts';
import { address, cidr } from '../generate/universe.ts';
import { pod, world } from '../policy/world.ts';

/** With what the tables of its nodes are made from. */
export interface CompiledSnapshot extends Snapshot {
  readonly program: Program;
}

/** x/client and x/web on n1, x/far on n2. */
export function snapshotOf(policies: string): CompiledSnapshot {
  const { cluster, policies: translated } = world(policies, {
    pods: [pod('x/client', { host: 1 }), pod('x/web', { host: 2 }), pod('x/far', { host: 3, node: 'n2' })],
  });
  const program = new Compiler().compile(cluster, translated);
  return { cluster, policies: translated, program, legend: program };
}

export const addresses = { client: '10.244.1.1', web: '10.244.1.2', far: '10.244.1.3', outside: '192.0.2.1' };

export function tcp(from: keyof typeof addresses, to: keyof typeof addresses, port: number): Flow {
  return { source: address(addresses[from]), destination: address(addresses[to]), protocol: 6, port };
}

/** What `node` reports of the first packet of a flow. */
export function eventOn(node: 'n1' | 'n2', snapshot: CompiledSnapshot, flow: Flow, time = 1n): ObservedEvent {
  const model = new TableModel();
  model.apply(computeDelta(emptyTables, nodeTables(snapshot.program, node, [cidr('10.244.9.0/24')])));
  const { allowed, egress, ingress } = model.judge(flow);
  const unjudged = { reason: 'none', rule: 0, set: 0 } as const;
  const event: FlowEvent = {
    time,
    family: flow.source.family,
    hook: 'forward',
    source: addressBytes(flow.source),
    destination: addressBytes(flow.destination),
    protocol: flow.protocol,
    sourcePort: 40_000,
    port: flow.port,
    allowed,
    egress,
    ingress: egress.allowed ? ingress : unjudged,
  };
  return { node, event, snapshot, wallTime: Date.UTC(2026, 0, 2, 3, 4, 5, 678) };
}

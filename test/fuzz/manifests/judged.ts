/** A cluster all the way down: compiled, as the tables of both engines, and judged like the oracle judges it. */
import { strictEqual } from 'node:assert/strict';
import { Compiler } from '../../../src/compiler/compiler.ts';
import { computeDelta, emptyTables } from '../../../src/compiler/delta.ts';
import { lookup } from '../../../src/compiler/lookup.ts';
import { nodeTables } from '../../../src/compiler/node-tables.ts';
import { Tables } from '../../../src/datapath/ebpf/tables.ts';
import { randomSeed } from '../../../src/datapath/ebpf/hash.ts';
import type { Cluster } from '../../../src/objects/model.ts';
import { evaluate } from '../../../src/policy/evaluate.ts';
import type { Policy } from '../../../src/policy/ir.ts';
import { heapMemory } from '../../datapath/heap-memory.ts';
import { testCapacity } from '../../datapath/kernel-tables.ts';
import { InterpretedTables } from '../../datapath/nftables/interpreted.ts';
import { buildFlow } from '../../generate/flow.ts';
import type { FlowSeed } from '../../generate/flow.ts';

const protocols: readonly FlowSeed['protocol'][] = ['TCP', 'UDP', 'SCTP', 'ICMP', 'other'];
const flowCount = 20;

/** Gives the number of verdicts that were compared. */
export function judgeEverywhere(cluster: Cluster, policies: readonly Policy[]): number {
  const program = new Compiler().compile(cluster, policies);
  for (const node of cluster.nodes.values()) {
    const delta = computeDelta(emptyTables, nodeTables(program, node.name, node.podCIDRs));
    new Tables({
      memory: heapMemory(testCapacity),
      seed: randomSeed(),
      capacity: testCapacity,
      flags: 0,
    }).apply(delta);
    new InterpretedTables().apply(delta);
  }
  for (let seed = 0; seed < flowCount; seed++) {
    const protocol = protocols[seed % protocols.length] ?? 'TCP';
    const flow = buildFlow(cluster, { source: seed, destination: 3 * seed + 1, protocol, port: seed });
    strictEqual(
      lookup(program, flow).allowed,
      evaluate(cluster, policies, flow).allowed,
      'compiled and judged',
    );
  }
  return flowCount;
}

/** The kernel's counters, of all processors together. */
import type { BpfMap } from '../../kernel/bpf-map.ts';
import { libbpf } from '../../kernel/libbpf.ts';
import type { Counter, Counters, DatapathReason } from '../datapath.ts';
import { reasons } from '../datapath.ts';
import { layouts } from './layout.ts';
import type { RuleCounters } from './rule-counters.ts';

export interface CounterMaps {
  readonly reason_counters: BpfMap;
  readonly lost_events: BpfMap;
}

/** `ruleLimit`: no rule id is as large. Rules that never decided are left out. */
export function readCounters(
  { maps, ruleCounters }: { readonly maps: CounterMaps; readonly ruleCounters: RuleCounters },
  ruleLimit: number,
): Counters {
  const byReason = readAll(maps.reason_counters, 2 * reasons.length);
  return {
    rules: ruleCounters.read(ruleLimit),
    reasons: Object.fromEntries(
      reasons.map((reason, index) => [
        reason,
        { denied: byReason[2 * index] ?? zero, allowed: byReason[2 * index + 1] ?? zero },
      ]),
    ) as Record<DatapathReason, { allowed: Counter; denied: Counter }>,
    lostEvents: readLost(maps.lost_events),
  };
}

const zero: Counter = { packets: 0n, bytes: 0n };

function readAll(map: BpfMap, limit: number): Counter[] {
  const cpus = libbpf().possibleCpus();
  const { size, packets, bytes } = layouts.counter;
  const values = new Uint8Array(limit * cpus * size);
  const count = map.getFirst(limit, values);
  const view = new DataView(values.buffer);
  return Array.from({ length: count }, (_, index) => {
    const sum = { packets: 0n, bytes: 0n };
    for (let cpu = 0; cpu < cpus; cpu++) {
      const offset = (index * cpus + cpu) * size;
      sum.packets += view.getBigUint64(offset + packets, true);
      sum.bytes += view.getBigUint64(offset + bytes, true);
    }
    return sum;
  });
}

function readLost(map: BpfMap): bigint {
  const values = new BigUint64Array(libbpf().possibleCpus());
  map.get(new Uint8Array(4), new Uint8Array(values.buffer));
  return values.reduce((sum, value) => sum + value, 0n);
}

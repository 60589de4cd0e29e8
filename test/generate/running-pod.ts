/** A pod of namespace x on node n1. */
import type { Pod } from '../../src/objects/model.ts';
import { address } from './universe.ts';

export function runningPod(name: string, addresses: readonly string[], change: Partial<Pod> = {}): Pod {
  return {
    key: `x/${name}`,
    namespace: 'x',
    name,
    labels: {},
    node: 'n1',
    addresses: addresses.map(address),
    hostNetwork: false,
    phase: 'Running',
    ports: [],
    position: { file: `pods/x/${name}`, line: 1, column: 1 },
    ...change,
  };
}

/** A full map, for real: two nodes' tables in the kernel, one of them small. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Enforcer } from '../../src/agent/enforcer.ts';
import { ipv4, tcp } from '../../src/datapath/packet.ts';
import type { Datapath } from '../../src/datapath/datapath.ts';
import type { Cluster } from '../../src/objects/model.ts';
import { isRoot, KernelTables, testCapacity } from '../datapath/kernel-tables.ts';
import { address } from '../generate/universe.ts';
import { pod, policy, world } from '../policy/world.ts';

function datapathOf(kernel: KernelTables): Datapath {
  return {
    apply: (delta) => kernel.tables.apply(delta),
    sweep: () => kernel.tables.sweep(),
    counters: () => kernel.counters(),
    audit: () => [],
    intact: () => true,
    drainEvents: () => undefined,
    close: () => undefined,
    detach: () => undefined,
  };
}

/** x/a and x/b on n1, and as many more as wanted on n2; x/b takes only what `port` names. */
function clusterWith(port: number, more: number): Cluster {
  const others = Array.from({ length: more }, (_, index) =>
    pod(`y/p${index}`, { host: 10 + index, node: 'n2', labels: {} }),
  );
  const onlyPort = policy(`
    podSelector: {matchLabels: {pod: b}}
    ingress: [{ports: [{port: ${port}}]}]`);
  return world(onlyPort, { pods: [pod('x/a', { host: 1 }), pod('x/b', { host: 2 }), ...others] }).cluster;
}

describe.skipIf(!isRoot)('[root] a node whose map is full', () => {
  let roomy: KernelTables;
  let small: KernelTables;
  beforeAll(() => {
    roomy = new KernelTables();
    small = new KernelTables({ capacity: { ...testCapacity, addresses: 8 } });
  });
  afterAll(() => {
    roomy.close();
    small.close();
  });

  const packet = (port: number) => {
    const ends = { source: address('10.244.1.1'), destination: address('10.244.1.2') };
    return ipv4({ ...ends, protocol: 6, payload: tcp({ port }) });
  };
  /** Which of the ports 80 and 81 of x/b its node lets x/a reach. */
  const open = () => [80, 81].filter((port) => roomy.judge('forward4', packet(port)).accepted);

  test('refuses, and no node enforces any of the change; what fits is enforced again', () => {
    const enforcer = new Enforcer();
    enforcer.addNode('n1', datapathOf(roomy));
    enforcer.addNode('n2', datapathOf(small));
    enforcer.update(clusterWith(80, 1));
    expect(open()).toEqual([80]);
    for (let attempt = 0; attempt < 3; attempt += 1) {
      expect(() => enforcer.update(clusterWith(81, 30))).toThrow('DATAPATH_FULL');
      expect(open()).toEqual([80]);
    }
    enforcer.update(clusterWith(81, 2));
    expect(open()).toEqual([81]);
  });
});

/** The tables in the kernel change as a whole or not at all, whatever goes wrong in between. */
import * as fc from 'fast-check';
import { constants } from 'node:os';
import { afterEach, describe, expect, test } from 'vitest';
import { ipv4, ipv6, transport } from '../../src/datapath/packet.ts';
import { Compiler } from '../../src/compiler/compiler.ts';
import { computeDelta, emptyTables } from '../../src/compiler/delta.ts';
import { nodeTables } from '../../src/compiler/node-tables.ts';
import type { Delta, NodeTables } from '../../src/compiler/tables.ts';
import { layouts } from '../../src/datapath/ebpf/layout.ts';
import { keySizes } from '../../src/datapath/ebpf/object.ts';
import { Tables } from '../../src/datapath/ebpf/tables.ts';
import { BulkheadError } from '../../src/errors.ts';
import { SystemCallError } from '../../src/kernel/libc.ts';
import type { Flow } from '../../src/policy/verdict.ts';
import { arbitraryChange } from '../generate/scenario.ts';
import type { Change } from '../generate/scenario.ts';
import { world, worldDelta } from './guard-world.ts';
import { isRoot, KernelTables, testCapacity } from './kernel-tables.ts';
import { contentOf, watchedMaps } from './watched-map.ts';
import type { Watcher } from './watched-map.ts';

const limit = 2 * testCapacity.ports;
const valueSizes = {
  addresses4: layouts.address_value.size,
  addresses6: layouts.address_value.size,
  cidrs4: layouts.cidr_value.size,
  cidrs6: layouts.cidr_value.size,
  classes: layouts.class_value.size,
  ports: layouts.port_value.size,
} as const;
type TableName = keyof typeof valueSizes;
const tableNames = Object.keys(valueSizes) as TableName[];

/** A kernel of its own, whose writes are watched by whoever is set to do so. */
class WatchedKernel {
  readonly kernel = new KernelTables();
  readonly tables: Tables;
  #watcher: Watcher | undefined;

  constructor(capacity = testCapacity) {
    const maps = watchedMaps(this.kernel.object.maps, (write) => this.#watcher?.(write));
    this.tables = new Tables({ maps, capacity, flags: 0 });
  }

  watching(watcher: Watcher, action: () => void): void {
    this.#watcher = watcher;
    try {
      action();
    } finally {
      this.#watcher = undefined;
    }
  }

  content(): Record<TableName, string[]> {
    const entries = tableNames.map((name) => [
      name,
      contentOf(this.kernel.object.maps[name], { key: keySizes[name], value: valueSizes[name], limit }),
    ]);
    return Object.fromEntries(entries) as Record<TableName, string[]>;
  }

  judge(flows: readonly Flow[]): boolean[] {
    return flows.map((flow) =>
      this.kernel.run(flow.source.family === 4 ? 'forward4' : 'forward6', packetOf(flow)),
    );
  }
}

function packetOf({ source, destination, protocol, port }: Flow): Uint8Array {
  const rest = { source, destination, protocol, payload: transport(protocol, port) };
  return source.family === 4 ? ipv4(rest) : ipv6(rest);
}

interface Move {
  readonly first: Delta;
  readonly second: Delta;
  readonly next: NodeTables;
  readonly flows: readonly Flow[];
}

/** From nothing to a generated cluster on its first node, and from there to a changed one. */
function moveOf({ before, after, flows }: Change): Move {
  const compiler = new Compiler();
  const tablesOf = ({ cluster, policies }: Change['before']): NodeTables => {
    const [node] = cluster.nodes.values();
    const program = compiler.compile(cluster, policies);
    return node ? nodeTables(program, node.name, node.podCIDRs) : emptyTables;
  };
  const [held, next] = [tablesOf(before), tablesOf(after)];
  return { first: computeDelta(emptyTables, held), second: computeDelta(held, next), next, flows };
}

const noRoom = new SystemCallError('write to a map', constants.errno.ENOSPC);

describe.skipIf(!isRoot)('[root] tables in the kernel', () => {
  let opened: WatchedKernel[] = [];
  const open = (capacity = testCapacity): WatchedKernel => {
    const kernel = new WatchedKernel(capacity);
    opened.push(kernel);
    return kernel;
  };
  const closeAll = (): void => {
    for (const { kernel } of opened) kernel.close();
    opened = [];
  };
  afterEach(closeAll);

  test('no packet sees anything but the old policy until the commit, and anything but the new one after', () => {
    let writes = 0;
    fc.assert(
      fc.property(arbitraryChange, (change) => {
        const { first, second, flows } = moveOf(change);
        const kernel = open();
        kernel.tables.apply(first);
        kernel.tables.sweep();
        const seen: { verdicts: boolean[]; committed: boolean }[] = [];
        let committed = false;
        const look: Watcher = ({ map }) => {
          seen.push({ verdicts: kernel.judge(flows), committed });
          committed ||= map === 'control';
        };
        const old = kernel.judge(flows);
        kernel.watching(look, () => {
          kernel.tables.apply(second);
          kernel.tables.sweep();
        });
        const young = kernel.judge(flows);
        for (const { verdicts, committed: done } of seen) expect(verdicts).toEqual(done ? young : old);
        writes += seen.length;
        closeAll();
      }),
      { numRuns: 12 },
    );
    expect(writes).toBeGreaterThan(100);
  });

  test('after the sweep the maps hold two copies of the addresses, one of the rest, and nothing else', () => {
    fc.assert(
      fc.property(arbitraryChange, (change) => {
        const { first, second, next } = moveOf(change);
        const kernel = open();
        kernel.tables.apply(first);
        kernel.tables.apply(second);
        kernel.tables.sweep();
        const fresh = open();
        fresh.tables.apply(computeDelta(emptyTables, next));
        fresh.tables.sweep();
        expect(kernel.content()).toEqual(fresh.content());
        const rows = [...next.addresses.values()].length;
        expect(kernel.content().addresses4.length + kernel.content().addresses6.length).toBe(2 * rows);
        expect(kernel.content().ports).toHaveLength(next.ports.size);
        closeAll();
      }),
      { numRuns: 12 },
    );
  });

  test('a failure at any write leaves the maps exactly as they were, and the next change goes through', () => {
    fc.assert(
      fc.property(arbitraryChange, fc.nat({ max: 40 }), (change, failAt) => {
        const { first, second, flows } = moveOf(change);
        const kernel = open();
        kernel.tables.apply(first);
        kernel.tables.sweep();
        const before = kernel.content();
        const old = kernel.judge(flows);
        let count = 0;
        let failed = false;
        const failOnce: Watcher = ({ kind }) => {
          if (failed || kind !== 'put' || count++ < failAt) return;
          failed = true;
          throw noRoom;
        };
        const attempt = (): void => {
          kernel.watching(failOnce, () => {
            kernel.tables.apply(second);
          });
        };
        const puts = second.add.ports.length + second.add.classes.length + staged(second);
        if (failAt >= puts) {
          attempt();
          expect(failed).toBe(false);
        } else {
          expect(attempt).toThrow(expect.objectContaining({ code: 'DATAPATH_FULL' }));
          expect(kernel.content()).toEqual(before);
          expect(kernel.judge(flows)).toEqual(old);
          kernel.tables.apply(second);
        }
        const young = kernel.judge(flows);
        const fresh = open();
        fresh.tables.apply(first);
        fresh.tables.apply(second);
        expect(young).toEqual(fresh.judge(flows));
        closeAll();
      }),
      { numRuns: 20 },
    );
  });

  test('when not even taking back works, the old policy stays and every further change is refused', () => {
    const kernel = open();
    kernel.tables.apply(worldDelta);
    kernel.tables.sweep();
    const gone: Delta = {
      add: { ports: [], classes: [] },
      stage: {
        addresses: worldDelta.stage.addresses.map((row) => ({
          address: row.address,
          ...(row.to ? { from: row.to } : {}),
        })),
        cidrs: [],
      },
      sweep: { ports: [], classes: [] },
    };
    const flows = [{ source: world[4].client, destination: world[4].server, protocol: 6, port: 80 }];
    let count = 0;
    const failing: Watcher = () => {
      if (count++ > 1) throw noRoom;
    };
    const attempt = (): void => {
      kernel.watching(failing, () => {
        kernel.tables.apply(gone);
      });
    };
    expect(attempt).toThrow(BulkheadError);
    expect(kernel.judge(flows)).toEqual([true]);
    expect(() => {
      kernel.tables.apply(gone);
    }).toThrow(expect.objectContaining({ code: 'DATAPATH_BROKEN' }));
  });

  test.each(['addresses', 'cidrs', 'classes', 'ports', 'rules'] as const)(
    'more %s than there is room for are refused before anything is written',
    (what) => {
      const kernel = open({ ...testCapacity, [what]: 1 });
      const before = kernel.content();
      const writes: string[] = [];
      const attempt = (): void => {
        kernel.watching(
          ({ map }) => writes.push(map),
          () => {
            kernel.tables.apply(worldDelta);
          },
        );
      };
      expect(attempt).toThrow(
        new RegExp(`DATAPATH_FULL.*needs \\d+ entries in the table "${what}", which holds 1`, 's'),
      );
      expect(writes).toEqual([]);
      expect(kernel.content()).toEqual(before);
    },
  );

  test.each(['addresses4', 'addresses6', 'cidrs4', 'cidrs6', 'classes', 'ports'] as const)(
    'when the kernel says that %s is full, everything is taken back',
    (name) => {
      const capacity = { ...testCapacity, addresses: 8, cidrs: 8, classes: 8, ports: 16 };
      const kernel = new KernelTables({ capacity });
      try {
        const size = { key: keySizes[name], value: valueSizes[name], limit: 64 };
        const content = (): string[][] =>
          tableNames.map((table) =>
            contentOf(kernel.object.maps[table], {
              key: keySizes[table],
              value: valueSizes[table],
              limit: 64,
            }),
          );
        // Somebody else's entries take the room that the tables count on.
        const room = { addresses4: 16, addresses6: 16, cidrs4: 16, cidrs6: 16, classes: 8, ports: 16 }[name];
        for (let index = 0; index < room - 1; index++) {
          const key = Buffer.alloc(size.key, 0xee);
          key.writeUInt32LE(name.startsWith('cidrs') ? key.length * 8 - 32 : index, 0);
          key.writeUInt8(index, size.key - 1);
          kernel.object.maps[name].set(key, Buffer.alloc(size.value));
        }
        const before = content();
        expect(() => {
          kernel.tables.apply(worldDelta);
        }).toThrow(/DATAPATH_FULL/);
        expect(content()).toEqual(before);
      } finally {
        kernel.close();
      }
    },
  );
});

/** Entries that staging puts, removals aside. */
function staged({ stage }: Delta): number {
  return stage.addresses.filter((row) => row.to).length + stage.cidrs.filter((row) => !row.isGone).length;
}

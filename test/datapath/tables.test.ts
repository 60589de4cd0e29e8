/** The tables in the kernel change as a whole or not at all, whatever goes wrong in between. */
import * as fc from 'fast-check';
import { createHash } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { ipv4, ipv6, transport } from '../../src/datapath/packet.ts';
import { Compiler } from '../../src/compiler/compiler.ts';
import { makeCidr } from '../../src/objects/ip.ts';
import { computeDelta, emptyTables } from '../../src/compiler/delta.ts';
import { nodeTables } from '../../src/compiler/node-tables.ts';
import type { Delta, NodeTables } from '../../src/compiler/tables.ts';
import { TableFull } from '../../src/datapath/ebpf/table-full.ts';
import { Tables } from '../../src/datapath/ebpf/tables.ts';
import type { Flow } from '../../src/policy/verdict.ts';
import { arbitraryChange } from '../generate/scenario.ts';
import type { Change } from '../generate/scenario.ts';
import { nothing } from './cache-faults.ts';
import { world, worldDelta } from './guard-world.ts';
import { bytesOf } from './heap-memory.ts';
import { isRoot, KernelTables, testCapacity } from './kernel-tables.ts';
import { watchedMemory } from './watched-words.ts';
import type { Watcher } from './watched-words.ts';

const oneCopy = ['subjects', 'classes', 'ports', 'port_lists'] as const;
const twoCopies = ['roots4', 'nodes4', 'addresses6', 'directory6'] as const;

/** A kernel of its own, whose writes are watched by whoever is set to do so. */
class WatchedKernel {
  readonly kernel: KernelTables;
  readonly tables: Tables;
  #watcher: Watcher | undefined;

  constructor(capacity = testCapacity) {
    this.kernel = new KernelTables({ capacity });
    const memory = watchedMemory(this.kernel.object.memory, (table) => this.#watcher?.(table));
    this.tables = new Tables({ ...this.kernel.object, memory, capacity, flags: 0 });
  }

  watching(watcher: Watcher, action: () => void): void {
    this.#watcher = watcher;
    try {
      action();
    } finally {
      this.#watcher = undefined;
    }
  }

  /** Every row, wherever it is. */
  rows(): Record<string, string[]> {
    const entries = Object.entries(this.tables.rows()).map(([name, rows]) => [
      name,
      rows.map((row) => row.join(' ')).sort(),
    ]);
    return Object.fromEntries(entries) as Record<string, string[]>;
  }

  /** Both copies of what exists twice, byte by byte. */
  copies(): Record<(typeof twoCopies)[number], [string, string]> {
    const entries = twoCopies.map((name) => {
      const bytes = this.#bytes(name);
      const half = bytes.length / 2;
      return [name, [hash(bytes.subarray(0, half)), hash(bytes.subarray(half))]];
    });
    return Object.fromEntries(entries) as Record<(typeof twoCopies)[number], [string, string]>;
  }

  /** All memory of the tables, byte by byte. */
  content(): string[] {
    return [...oneCopy, ...twoCopies].map((name) => hash(this.#bytes(name)));
  }

  #bytes(name: (typeof oneCopy | typeof twoCopies)[number]): Uint8Array {
    return bytesOf(this.kernel.object.memory[name]);
  }

  judge(flows: readonly Flow[]): boolean[] {
    return flows.map((flow) =>
      this.kernel.run(flow.source.family === 4 ? 'forward4' : 'forward6', packetOf(flow)),
    );
  }
}

function hash(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
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

const noRoom = new TableFull();

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
        const stores = new Map<string, number>();
        const look: Watcher = (table) => {
          const nth = (stores.get(table) ?? 0) + 1;
          stores.set(table, nth);
          // A prefix of a few bits is written to very many entries of the directory.
          if (nth < 200 || nth % 997 === 0) seen.push({ verdicts: kernel.judge(flows), committed });
          committed ||= table === 'control';
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

  test('after the sweep both copies are equal, and the tables hold what they should and nothing else', () => {
    fc.assert(
      fc.property(arbitraryChange, (change) => {
        const { first, second, next } = moveOf(change);
        const kernel = open();
        kernel.tables.apply(first);
        kernel.tables.apply(second);
        kernel.tables.sweep();
        for (const [one, other] of Object.values(kernel.copies())) expect(one).toBe(other);
        const fresh = open();
        fresh.tables.apply(computeDelta(emptyTables, next));
        fresh.tables.sweep();
        const rows = (of: WatchedKernel): unknown => {
          const { addresses4, addresses6, classes = [], ports } = of.rows();
          // Which list a class has depends on what came before.
          const keys = classes.map((row) => row.split(' ').slice(0, 2));
          return { addresses: [addresses4?.length, addresses6?.length], keys, ports };
        };
        expect(rows(kernel)).toEqual(rows(fresh));
        const { addresses4 = [], addresses6 = [], ports } = kernel.rows();
        expect(addresses4.length + addresses6.length).toBe(next.addresses.size + next.cidrs.size);
        expect(ports).toHaveLength(next.ports.size);
        closeAll();
      }),
      { numRuns: 12 },
    );
  });

  test('a failure at any store leaves the tables as they were, and the next change goes through', () => {
    let failures = 0;
    fc.assert(
      fc.property(arbitraryChange, fc.nat({ max: 60 }), (change, failAt) => {
        const { first, second, flows } = moveOf(change);
        const kernel = open();
        kernel.tables.apply(first);
        kernel.tables.sweep();
        const [rows, copies, old] = [kernel.rows(), kernel.copies(), kernel.judge(flows)];
        let count = 0;
        let failed = false;
        const failOnce: Watcher = (table) => {
          if (failed || table === 'control' || count++ < failAt) return;
          failed = true;
          throw noRoom;
        };
        const attempt = (): void => {
          kernel.watching(failOnce, () => {
            kernel.tables.apply(second);
          });
        };
        try {
          attempt();
        } catch {
          expect(failed).toBe(true);
          expect(kernel.rows()).toEqual(rows);
          expect(kernel.copies()).toEqual(copies);
          expect(kernel.judge(flows)).toEqual(old);
          kernel.tables.apply(second);
        }
        const young = kernel.judge(flows);
        const fresh = open();
        fresh.tables.apply(first);
        fresh.tables.apply(second);
        expect(young).toEqual(fresh.judge(flows));
        failures += failed ? 1 : 0;
        closeAll();
      }),
      { numRuns: 20 },
    );
    expect(failures).toBeGreaterThan(5);
  });

  test('when not even taking back works, the old policy stays and every further change is refused', () => {
    const kernel = open();
    kernel.tables.apply(worldDelta);
    kernel.tables.sweep();
    const gone: Delta = {
      add: { ports: [], classes: [] },
      stage: {
        addresses: worldDelta.stage.addresses.map((row) => ({
          addresses: row.addresses,
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
    expect(attempt).toThrow(TableFull);
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
          (table) => writes.push(table),
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

  test.each(['addresses6', 'classes'] as const)(
    'when somebody else has every slot of %s, everything is taken back',
    (name) => {
      const kernel = open();
      const memory = kernel.kernel.object.memory[name];
      for (let index = 0; index < memory.length; index++) memory.write(index, 0xeeeeeeee);
      const before = [kernel.rows(), kernel.copies()];
      expect(() => {
        kernel.tables.apply(worldDelta);
      }).toThrow(/DATAPATH_FULL/);
      expect([kernel.rows(), kernel.copies()]).toEqual(before);
    },
  );

  test('when the tree of IPv4 addresses has no node left, everything is taken back', () => {
    const kernel = open({ ...testCapacity, addresses: 40, cidrs: 40 });
    kernel.tables.apply(worldDelta);
    kernel.tables.sweep();
    const before = [kernel.rows(), kernel.copies()];
    // Far from each other: four nodes each, and there are eight for each that the capacity says.
    const cidrs = Array.from({ length: 2 ** 7 }, (_, index) => {
      const cidr = makeCidr(4, (BigInt(index) << 24n) + 1n, 30);
      return { cidr, from: 0, to: 1, isNew: index < 30, isGone: false };
    });
    const more = { ...worldDelta, stage: { addresses: [], cidrs } };
    expect(() => {
      kernel.tables.apply(more);
    }).toThrow(/DATAPATH_FULL.*needs more entries in the table "cidrs"/s);
    expect([kernel.rows(), kernel.copies()]).toEqual(before);
  });

  test('when somebody else has every slot of ports, and no list is free, everything is taken back', () => {
    const kernel = open({ ...testCapacity, ports: 16 });
    const { ports, port_lists: lists } = kernel.kernel.object.memory;
    for (let index = 0; index < ports.length; index++) ports.write(index, 0xeeeeeeee);
    const before = [kernel.rows(), kernel.copies()];
    const one = { protocol: 6, port: 0, prefixLength: 16, allow: true, rule: 1 };
    // Two for each, since a single one needs no list.
    const classes = Array.from({ length: lists.length / 16 + 1 }, (_, id) => [
      { class: id + 1, ...one },
      { class: id + 1, ...one, port: 1 },
    ]).flat();
    expect(() => {
      kernel.tables.apply({ ...nothing, add: { ports: classes, classes: [] } });
    }).toThrow(/DATAPATH_FULL/);
    expect([kernel.rows(), kernel.copies()]).toEqual(before);
  });

  test('more different pods than there is room for are refused, and the change is taken back', () => {
    const kernel = open({ ...testCapacity, subjects: 2 });
    const before = [kernel.rows(), kernel.copies()];
    expect(() => {
      kernel.tables.apply(worldDelta);
    }).toThrow(/DATAPATH_FULL.*"subjects", which holds 2/s);
    expect([kernel.rows(), kernel.copies()]).toEqual(before);
    const { add, stage, sweep } = worldDelta;
    const fewer = stage.addresses.slice(0, 2);
    for (let time = 0; time < 3; time++) {
      kernel.tables.apply({ add, stage: { ...stage, addresses: fewer }, sweep });
      kernel.tables.apply({
        add: sweep,
        stage: {
          ...stage,
          addresses: fewer.map(({ addresses, to }) => ({ addresses, ...(to && { from: to }) })),
        },
        sweep: add,
      });
    }
  });

  test('an identity that has no place in a row is refused', () => {
    const kernel = open();
    const cidrs = worldDelta.stage.cidrs.map((row) => ({ ...row, to: 2 ** 28 }));
    expect(() => {
      kernel.tables.apply({ ...worldDelta, stage: { ...worldDelta.stage, cidrs } });
    }).toThrow(/DATAPATH_FULL.*"identities"/s);
    kernel.tables.apply(worldDelta);
  });
});

/** What is counted goes on where one datapath takes the place of another, and never goes back. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NodeEnforcer } from '../../src/agent/node-enforcer.ts';
import { RunningCounters } from '../../src/agent/running-counters.ts';
import { TableGrowth } from '../../src/agent/table-growth.ts';
import { reasons } from '../../src/datapath/datapath.ts';
import type { Counters } from '../../src/datapath/datapath.ts';
import type { RuleId } from '../../src/compiler/program.ts';
import type { Origin } from '../../src/policy/ir.ts';
import { FakeDatapath } from './fake-datapath.ts';
import { policy, state, updateBetween, world } from './two-pods.ts';

const many = (packets: number) => ({ packets: BigInt(packets), bytes: 100n * BigInt(packets) });

/** As a datapath has them: rules that decided nothing are left out. */
function counted(rules: Readonly<Record<number, number>>, denied = 0, lost = 0): Counters {
  const none = { allowed: many(0), denied: many(0) };
  return {
    rules: new Map(Object.entries(rules).map(([rule, packets]) => [Number(rule), many(packets)])),
    reasons: {
      ...(Object.fromEntries(reasons.map((reason) => [reason, none])) as Counters['reasons']),
      'default-deny': { allowed: many(0), denied: many(denied) },
    },
    lostEvents: BigInt(lost),
  };
}

function originOf(name: string, ruleIndex = 0): Origin {
  const position = { file: 'test.yaml', line: 1, column: 1 };
  return { dialect: 'NetworkPolicy', namespace: 'x', name, direction: 'ingress', ruleIndex, position };
}

const legend = (names: Readonly<Record<number, string>>): ReadonlyMap<RuleId, Origin> =>
  new Map(Object.entries(names).map(([rule, name]) => [Number(rule), originOf(name)]));

describe('counters', () => {
  test('go on after a datapath that begins with none', () => {
    const running = new RunningCounters();
    const rules = legend({ 1: 'a', 2: 'b' });
    running.take(counted({ 1: 5, 2: 1 }, 7, 2), rules);
    running.startAnew();
    expect(running.totals).toEqual(counted({ 1: 5, 2: 1 }, 7, 2));
    running.take(counted({ 1: 6 }, 1, 1), rules);
    running.take(counted({ 1: 8 }, 2, 1), rules);
    expect(running.totals).toEqual(counted({ 1: 13, 2: 1 }, 9, 3));
  });

  test('one that is smaller than it was has begun anew', () => {
    const running = new RunningCounters();
    running.take(counted({ 1: 5 }, 7), legend({ 1: 'a' }));
    running.take(counted({ 1: 2 }, 3), legend({ 1: 'a' }));
    expect(running.totals).toEqual(counted({ 1: 7 }, 10));
    running.take(counted({}, 3), legend({ 1: 'a' }));
    running.take(counted({ 1: 1 }, 3), legend({ 1: 'a' }));
    expect(running.totals).toEqual(counted({ 1: 8 }, 10));
  });

  test('a rule that has the number of another has nothing of its counts', () => {
    const running = new RunningCounters();
    running.take(counted({ 1: 5, 2: 1 }), legend({ 1: 'a', 2: 'b' }));
    running.take(counted({ 1: 6, 2: 1 }), legend({ 1: 'c', 2: 'b' }));
    expect(running.totals).toEqual(counted({ 1: 6, 2: 1 }));
    running.take(counted({ 2: 1 }), legend({ 2: 'b' }));
    running.take(counted({ 2: 1 }), legend({ 1: 'c', 2: 'b' }));
    expect(running.totals).toEqual(counted({ 2: 1 }));
  });

  test('never go back, whatever the datapath says', () => {
    const step = fc.record({ packets: fc.nat(9), denied: fc.nat(9), lost: fc.nat(9), anew: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const running = new RunningCounters();
        let before = running.totals;
        for (const { packets, denied, lost, anew } of steps) {
          if (anew) running.startAnew();
          running.take(counted(packets === 0 ? {} : { 1: packets }, denied, lost), legend({ 1: 'a' }));
          const now = running.totals;
          const values = ({ rules, reasons: by, lostEvents }: Counters) => [
            rules.get(1)?.packets ?? 0n,
            by['default-deny'].denied.packets,
            by['default-deny'].denied.bytes,
            lostEvents,
          ];
          const old = values(before);
          expect(values(now).every((value, index) => value >= (old[index] ?? 0n))).toBe(true);
          before = now;
        }
      }),
    );
  });
});

describe('of a node', () => {
  function setUp() {
    const opened: FakeDatapath[] = [];
    let next: Partial<FakeDatapath> = {};
    const portsOf = ({ ports = 2 }: { ports?: number }): number => ports;
    const enforcer = new NodeEnforcer(
      'n1',
      (capacity) => {
        const datapath = Object.assign(new FakeDatapath(), { growablePorts: portsOf(capacity), ...next });
        opened.push(datapath);
        return datapath;
      },
      new TableGrowth({ bytesOf: portsOf, limit: 64 }),
    );
    const before = state(`${world}${policy('kept', [80])}`);
    enforcer.update(updateBetween(undefined, before));
    const count = (found: Counters) => {
      const latest = opened.at(-1);
      if (latest) latest.counted = found;
    };
    const kept = () => enforcer.counters().rules.get(ruleOf('kept'))?.packets;
    const ruleOf = (name: string): RuleId =>
      enforcer.legend.rules.entries().find(([, origin]) => origin.name === name)?.[0] ?? 0;
    const grow = () =>
      enforcer.update(
        updateBetween(before, state(`${world}${policy('kept', [80])}${policy('large', [1, 3, 5, 7, 9])}`)),
      );
    return {
      enforcer,
      opened,
      count,
      kept,
      ruleOf,
      grow,
      next: (one: Partial<FakeDatapath>) => void (next = one),
    };
  }

  test('tables that grow take the counts along', () => {
    const node = setUp();
    node.count(counted({ [node.ruleOf('kept')]: 5 }, 3, 1));
    // Nobody has looked yet.
    node.grow();
    expect(node.opened.length).toBeGreaterThan(1);
    expect(node.enforcer.counters()).toEqual(counted({ [node.ruleOf('kept')]: 5 }, 3, 1));
    node.count(counted({ [node.ruleOf('kept')]: 1 }, 1, 0));
    expect(node.enforcer.counters()).toEqual(counted({ [node.ruleOf('kept')]: 6 }, 4, 1));
  });

  test('so does a datapath that is made anew, and one that can not be asked any more', () => {
    const node = setUp();
    node.count(counted({ [node.ruleOf('kept')]: 5 }));
    node.enforcer.rebuild();
    expect(node.kept()).toBe(5n);
    node.count(counted({ [node.ruleOf('kept')]: 2 }));
    expect(node.kept()).toBe(7n);
    const [, second] = node.opened;
    if (second) second.counted = undefined;
    node.enforcer.rebuild();
    expect(second?.closed).toBe(true);
    expect(node.kept()).toBe(7n);
  });

  test('what a datapath says before it has tables is not what it counted', () => {
    const node = setUp();
    const five = counted({ [node.ruleOf('kept')]: 5 });
    node.count(five);
    // As nftables reads the table of the one before, until it has its own.
    node.next({ refuses: true, counted: five });
    node.enforcer.rebuild();
    expect(node.enforcer.behind?.code).toBe('DATAPATH_FULL');
    expect(node.kept()).toBe(5n);
  });
});

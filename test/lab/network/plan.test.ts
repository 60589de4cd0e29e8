import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { planChange } from '../../../src/lab/network/plan.ts';
import type { NetworkState } from '../../../src/lab/network/state.ts';
import { topologyOf, type Place, type Topology } from '../../../src/lab/network/topology.ts';
import { address, cluster, node, pod } from './small-cluster.ts';

const nodes = [node('n1', '172.18.0.2'), node('n2', '172.18.0.3')];

function topology(
  pods: Readonly<Record<string, readonly [on: string, ip: string]>>,
  external: string[] = [],
): Topology {
  const made = Object.entries(pods).map(([name, [on, ip]]) => pod(`shop/${name}`, on, ip));
  return topologyOf('demo', cluster({ nodes, pods: made }), external.map(address));
}

const clean = (applied: Topology): NetworkState => ({ version: 1, applied, pending: [] });
const names = (places: readonly Place[]): string[] =>
  places.map(({ netns }) => netns.replace('bh-demo.', ''));
const living = (places: Topology): Set<string> => new Set(places.map(({ netns }) => netns));

const two = topology({ a: ['n1', '10.244.0.2'], b: ['n2', '10.244.1.2'] }, ['8.8.8.8']);

describe('plan', () => {
  test('from nothing: everything is made, parents first', () => {
    const plan = planChange(clean([]), new Set(), two);
    expect(names(plan.create)).toEqual(['world', 'node.n1', 'node.n2', 'pod.shop.a', 'pod.shop.b']);
    expect([plan.remove, plan.detach, plan.kept]).toEqual([[], [], []]);
    expect(plan.set.get('bh-demo.world')).toHaveLength(3);
    expect(names(plan.loadRules)).toEqual(['node.n1', 'node.n2']);
  });

  test('the same again: nothing to do', () => {
    const plan = planChange(clean(two), living(two), two);
    expect(plan).toEqual({
      kept: two,
      remove: [],
      detach: [],
      create: [],
      unset: new Map(),
      set: new Map(),
      loadRules: [],
      writeResolver: [],
    });
  });

  test('a pod more, a pod less: only they and their routes are touched', () => {
    const next = topology({ b: ['n2', '10.244.1.2'], c: ['n1', '10.244.0.3'] }, ['8.8.4.4']);
    const plan = planChange(clean(two), living(two), next);
    expect(names(plan.create)).toEqual(['pod.shop.c']);
    expect(plan.remove).toEqual(['bh-demo.pod.shop.a']);
    expect(plan.detach.map(({ alias }) => alias)).toEqual(['shop/a']);
    expect(plan.unset.get('bh-demo.world')).toEqual([
      'addr 8.8.8.8/32 dev lo',
      expect.stringContaining('route 10.244.0.2/32 '),
    ]);
    expect(plan.set.get('bh-demo.world')).toEqual([
      'addr 8.8.4.4/32 dev lo',
      expect.stringContaining('route 10.244.0.3/32 '),
    ]);
  });

  test('a pod that moves or gets another address is made anew', () => {
    for (const [on, ip] of [
      ['n2', '10.244.0.2'],
      ['n1', '10.244.0.9'],
    ] as const) {
      const plan = planChange(
        clean(two),
        living(two),
        topology({ a: [on, ip], b: ['n2', '10.244.1.2'] }, ['8.8.8.8']),
      );
      expect(names(plan.create)).toEqual(['pod.shop.a']);
      expect(plan.remove).toEqual(['bh-demo.pod.shop.a']);
    }
  });

  test('without its node or the world nothing that hangs on it is kept', () => {
    const withoutNode = planChange(clean(two), living(two).difference(new Set(['bh-demo.node.n1'])), two);
    expect(names(withoutNode.create)).toEqual(['node.n1', 'pod.shop.a']);
    const withoutWorld = planChange(clean(two), living(two).difference(new Set(['bh-demo.world'])), two);
    expect(withoutWorld.kept).toEqual([]);
    expect(withoutWorld.remove).toHaveLength(4);
  });

  test('without a state nothing is trusted', () => {
    const plan = planChange(clean([]), living(two), two);
    expect(plan.remove).toHaveLength(5);
    expect(plan.create).toHaveLength(5);
  });
});

/**
 * A crash may leave any part of a change done. The world below does each of its steps or not, and forgets nothing
 * but what the plan says; whatever happened before, one run that ends must bring exactly what is wanted.
 */
describe('crashes', () => {
  interface Reality {
    readonly namespaces: Set<string>;
    readonly settings: Set<string>;
  }

  const pods = fc.dictionary(
    fc.constantFrom('a', 'b', 'c', 'd'),
    fc.tuple(fc.constantFrom('n1', 'n2'), fc.constantFrom('10.1.1.1', '10.1.1.2', '10.1.1.3', '10.1.1.4')),
    { maxKeys: 4 },
  );
  const wanted = fc
    .tuple(pods, fc.subarray(['8.8.8.8', '8.8.4.4', '1.1.1.1']))
    .map(([made, external]) => topology(made, external));

  function carryOut(state: NetworkState, reality: Reality, target: Topology, steps: number): NetworkState {
    const plan = planChange(state, reality.namespaces, target);
    const pending: NetworkState = {
      version: 1,
      applied: plan.kept,
      pending: [...state.pending, state.applied, target],
    };
    const actions = [
      ...plan.remove.map((netns) => () => reality.namespaces.delete(netns)),
      // Taking a link away takes the settings that name it, too.
      ...plan.detach.map(
        (link) => () => dropWhere(reality.settings, (line) => line.includes(` dev ${link.interface} `)),
      ),
      ...[...plan.unset].flatMap(([netns, lines]) =>
        lines.map((line) => () => reality.settings.delete(`${netns} ${line}`)),
      ),
      ...plan.create.map((place) => () => {
        reality.namespaces.add(place.netns);
        dropWhere(reality.settings, (line) => line.startsWith(`${place.netns} `));
      }),
      ...[...plan.set].flatMap(([netns, lines]) =>
        lines.map((line) => () => reality.settings.add(`${netns} ${line}`)),
      ),
    ];
    for (const action of actions.slice(0, steps)) action();
    return steps < actions.length ? pending : clean(target);
  }

  function dropWhere(lines: Set<string>, matches: (line: string) => boolean): void {
    for (const line of lines) if (matches(line)) lines.delete(line);
  }

  test('any number of changes cut short, then one that ends: all is as wanted', () => {
    const cut = fc.tuple(wanted, fc.nat(20));
    fc.assert(
      fc.property(fc.array(cut, { maxLength: 4 }), wanted, (changes, last) => {
        const reality: Reality = { namespaces: new Set(), settings: new Set() };
        let state = clean([]);
        for (const [target, steps] of changes) state = carryOut(state, reality, target, steps);
        carryOut(state, reality, last, Infinity);
        expect(reality.namespaces).toEqual(living(last));
        const settings = last.flatMap((place) =>
          place.settings.lines.map((line) => `${place.settings.netns} ${line}`),
        );
        expect(reality.settings).toEqual(new Set(settings));
      }),
      { numRuns: 500 },
    );
  });
});

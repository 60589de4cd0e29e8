import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { computeDelta, deltaSize, emptyTables, reverseDelta } from '../../../src/compiler/delta.ts';
import { TableModel } from '../../../src/compiler/table-model.ts';
import { evaluate } from '../../../src/policy/evaluate.ts';
import { isUnprogrammed } from '../../generate/flow.ts';
import { arbitraryChange, arbitraryHistory } from '../../generate/scenario.ts';
import { arbitraryTieredScenario } from '../tiered.ts';
import { Followed, nodes } from './followed.ts';

test('after any sequence of changes the tables are those of a fresh compile, and nodes hold nothing else', () => {
  fc.assert(
    fc.property(arbitraryHistory, (states) => {
      const followed = new Followed();
      for (const state of states) {
        followed.move(state);
        expect(followed.held()).toEqual(followed.wanted(state));
      }
    }),
    { numRuns: 60 },
  );
});

test('the same with tiers, denials and passes', () => {
  fc.assert(
    fc.property(fc.array(arbitraryTieredScenario, { minLength: 2, maxLength: 4 }), (states) => {
      const followed = new Followed();
      for (const state of states) {
        followed.move(state);
        expect(followed.held()).toEqual(followed.wanted(state));
      }
    }),
    { numRuns: 40 },
  );
});

test('nothing is left of what is gone', () => {
  fc.assert(
    fc.property(arbitraryChange, ({ before, after }) => {
      const followed = new Followed();
      const nothing = { cluster: { ...before.cluster, pods: new Map(), nodes: new Map() }, policies: [] };
      for (const state of [before, nothing, after, nothing]) followed.move(state);
      for (const name of nodes) {
        expect(followed.tables(name)).toEqual({
          addresses: new Map(),
          cidrs: new Map(),
          classes: new Map(),
          ports: new Map(),
        });
      }
      expect(followed.compiler.legend()).toEqual({ rules: new Map(), sets: new Map() });
    }),
    { numRuns: 40 },
  );
});

test('a change that is named but changes nothing writes nothing', () => {
  fc.assert(
    fc.property(arbitraryChange, ({ before }) => {
      const followed = new Followed();
      followed.move(before);
      const again = structuredClone(before);
      for (const delta of followed.move(again).values()) expect(deltaSize(delta)).toBe(0);
    }),
    { numRuns: 40 },
  );
});

test('nodes may refuse: what they take later starts from what they hold', () => {
  fc.assert(
    fc.property(arbitraryHistory, fc.infiniteStream(fc.boolean()), (states, luck) => {
      const followed = new Followed();
      const last = states.at(-1);
      for (const state of states) {
        if (state !== last && luck.next().value === true) followed.update(state);
        else {
          followed.move(state);
          expect(followed.held()).toEqual(followed.wanted(state));
        }
      }
    }),
    { numRuns: 40 },
  );
});

test('nodes may come and go', () => {
  fc.assert(
    fc.property(arbitraryHistory, (states) => {
      const followed = new Followed(['n1']);
      for (const [index, state] of states.entries()) {
        if (index % 2 === 1) {
          followed.addNode('n2');
        } else if (index > 0) {
          followed.compiler.removeNode('n2');
          followed.models.delete('n2');
        }
        followed.move(state);
        expect(followed.held()).toEqual(followed.wanted(state));
      }
    }),
    { numRuns: 30 },
  );
});

test('on every step of every delta a packet sees the old policy or the new one, whole', () => {
  fc.assert(
    fc.property(arbitraryChange, ({ before, after, flows }) => {
      const followed = new Followed();
      followed.move(before);
      const deltas = followed.update(after);
      for (const [name, model] of followed.models) {
        const judgeAll = (epoch = model.epoch) => flows.map((flow) => model.judge(flow, epoch).allowed);
        const target = new TableModel();
        target.apply(computeDelta(emptyTables, followed.tables(name)));
        const [oldEpoch, old, next] = [
          model.epoch,
          judgeAll(),
          flows.map((flow) => target.judge(flow).allowed),
        ];
        const delta = deltas.get(name);
        for (const _ of delta ? model.applySteps(delta) : []) {
          expect(judgeAll(oldEpoch)).toEqual(old);
          expect(judgeAll()).toEqual(model.epoch === oldEpoch ? old : next);
        }
        for (const _ of model.sweepSteps()) expect(judgeAll()).toEqual(next);
      }
    }),
    { numRuns: 60 },
  );
});

test('a delta backwards leads back to the tables that it came from', () => {
  fc.assert(
    fc.property(arbitraryChange, ({ before, after }) => {
      const followed = new Followed();
      followed.move(before);
      const held = new Map([...followed.models].map(([name, model]) => [name, model.tables()]));
      for (const [name, delta] of followed.move(after)) {
        const model = followed.models.get(name);
        model?.apply(reverseDelta(delta));
        model?.sweep();
        expect(model?.tables()).toEqual(held.get(name));
      }
    }),
    { numRuns: 40 },
  );
});

test('before and after a change the nodes together answer as the oracle does', () => {
  fc.assert(
    fc.property(arbitraryChange, ({ before, after, flows }) => {
      const followed = new Followed();
      for (const state of [before, after]) {
        followed.move(state);
        for (const flow of flows) {
          const held = ![flow.source, flow.destination].some((end) => isUnprogrammed(state.cluster, end));
          const allowed = [...followed.models.values()].every((model) => model.judge(flow).allowed);
          expect(allowed).toBe(held && evaluate(state.cluster, state.policies, flow).allowed);
        }
      }
    }),
    { numRuns: 60 },
  );
});

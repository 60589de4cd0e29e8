/** Whose an address is while pods and nodes that claim it come, change, are deleted and go. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { LivePods } from '../../../src/compiler/live/live-pods.ts';
import type { Pod } from '../../../src/objects/model.ts';
import { runningPod } from '../../generate/running-pod.ts';
import { address } from '../../generate/universe.ts';

const addresses = ['10.0.0.1', 'fd00::1'].map(address);
const names = ['a', 'b', 'c'] as const;

const pod = (name: string, isEnding: boolean): Pod =>
  runningPod(
    name,
    addresses.map(({ text }) => text),
    isEnding ? { isEnding } : {},
  );

/** Who has gained each address, or nobody. */
class Followed {
  readonly owners = new Map<string, string>();
  readonly pods = new LivePods({
    gained: ({ address: { text }, owner }) => {
      this.owners.set(text, owner.kind === 'pod' ? owner.pod.key : owner.node);
    },
    losing: ({ address: { text } }) => {
      this.owners.delete(text);
    },
    unused: () => undefined,
    fresh: () => undefined,
  });
}

test('an address is of a pod that stays, then of one that is being deleted, then of a node; of the first by name', () => {
  const change = fc.record({
    name: fc.constantFrom(...names),
    state: fc.constantFrom('gone', 'stays', 'ending', 'node'),
  });
  const rank = { stays: 0, ending: 1, node: 2 } as const;
  fc.assert(
    fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
      const followed = new Followed();
      const claims = new Map<string, keyof typeof rank>();
      for (const { name, state } of changes) {
        if (state === 'node') {
          followed.pods.setPod(`x/${name}`, undefined);
          followed.pods.setNode(name, addresses);
        } else
          followed.pods.setPod(`x/${name}`, state === 'gone' ? undefined : pod(name, state === 'ending'));
        followed.pods.settle();
        if (state === 'node') {
          claims.delete(`x/${name}`);
          claims.set(name, 'node');
        } else if (state === 'gone') claims.delete(`x/${name}`);
        else claims.set(`x/${name}`, state);
        const [first] = [...claims].toSorted(([a, left], [b, right]) =>
          rank[left] === rank[right] ? (a < b ? -1 : 1) : rank[left] - rank[right],
        );
        for (const { text } of addresses) expect(followed.owners.get(text)).toBe(first?.[0]);
      }
    }),
  );
});

test('a pod that begins to be deleted gives way at once to the one that waits for its address', () => {
  const followed = new Followed();
  const owner = (): string | undefined => followed.owners.get('10.0.0.1');
  followed.pods.setPod('x/a', pod('a', false));
  followed.pods.setPod('x/b', pod('b', false));
  expect(owner()).toBe('x/a');
  followed.pods.setPod('x/a', pod('a', true));
  expect(owner()).toBe('x/b');
  followed.pods.setPod('x/b', undefined);
  followed.pods.settle();
  expect(owner()).toBe('x/a');
});

test('an address that a node names twice is let go with the node', () => {
  const followed = new Followed();
  for (const named of [addresses, []]) {
    followed.pods.setNode('n', [...named, ...named]);
    followed.pods.settle();
  }
  expect(followed.owners).toEqual(new Map());
  expect(followed.pods.held.size).toBe(0);
});

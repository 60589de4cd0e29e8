import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { PodIndex } from '../../src/compiler/pod-index.ts';
import type { Cluster } from '../../src/objects/model.ts';
import type { PodMatch } from '../../src/policy/ir.ts';
import { matchesPod } from '../../src/policy/match.ts';
import { arbitraryCluster } from '../generate/cluster.ts';
import { arbitrarySelector } from '../generate/network-policy.ts';
import { namespaceNames } from '../generate/universe.ts';

const arbitraryMatch: fc.Arbitrary<PodMatch> = fc.record({
  namespaces: fc.oneof(
    fc.record({ kind: fc.constant('name' as const), name: fc.constantFrom(...namespaceNames) }),
    fc.record({ kind: fc.constant('selector' as const), selector: arbitrarySelector }),
  ),
  pods: arbitrarySelector,
});

function labelsOf(cluster: Cluster, namespace: string) {
  return cluster.namespaces.get(namespace)?.labels;
}

test('finds exactly the selectors that select a pod, each once', () => {
  fc.assert(
    fc.property(arbitraryCluster, fc.array(arbitraryMatch, { maxLength: 12 }), (cluster, matches) => {
      const index = new PodIndex<number>();
      for (const [position, match] of matches.entries()) index.add(match, position);
      for (const pod of cluster.pods.values()) {
        const found = index.find(pod.namespace, labelsOf(cluster, pod.namespace), pod.labels);
        const expected = matches.flatMap((match, position) =>
          matchesPod(cluster, match, pod) ? [position] : [],
        );
        expect(found.sort((a, b) => a - b)).toEqual(expected);
      }
    }),
    { numRuns: 150 },
  );
});

test('a namespace that nothing declares is found by name only', () => {
  const index = new PodIndex<string>();
  const pods = { matchLabels: {}, matchExpressions: [] };
  index.add({ namespaces: { kind: 'name', name: 'ghost' }, pods }, 'by name');
  index.add({ namespaces: { kind: 'selector', selector: pods }, pods }, 'by labels');
  expect(index.find('ghost', undefined, {})).toEqual(['by name']);
});

/** One thing that happens to a cluster, as data: it can be printed, kept and done again. */
import * as fc from 'fast-check';
import type { Labels } from '../../src/objects/model.ts';
import { arbitraryLabels, arbitraryPod } from './cluster.ts';
import type { Blueprint, PodBlueprint } from './cluster.ts';
import { arbitraryNetworkPolicy } from './network-policy.ts';
import type { PolicyBlueprint } from './network-policy.ts';
import { namespaceNames } from './universe.ts';

export type Edit =
  /** A pod comes, or replaces the one of its slot: relabelled, moved, ended, or another pod with the same address. */
  | { readonly kind: 'pod'; readonly pod: PodBlueprint }
  | { readonly kind: 'no-pod'; readonly index: number }
  | { readonly kind: 'namespace'; readonly index: number; readonly labels: Labels }
  /** A policy replaces another, or comes last. */
  | { readonly kind: 'policy'; readonly index: number; readonly policy: PolicyBlueprint }
  | { readonly kind: 'no-policy'; readonly index: number };

export const arbitraryEdit: fc.Arbitrary<Edit> = fc.oneof(
  arbitraryPod.map((pod) => ({ kind: 'pod', pod }) as const),
  fc.nat({ max: 9 }).map((index) => ({ kind: 'no-pod', index }) as const),
  fc
    .tuple(fc.nat({ max: namespaceNames.length - 1 }), arbitraryLabels)
    .map(([index, labels]) => ({ kind: 'namespace', index, labels }) as const),
  fc
    .tuple(fc.nat({ max: 4 }), arbitraryNetworkPolicy)
    .map(([index, policy]) => ({ kind: 'policy', index, policy }) as const),
  fc.nat({ max: 3 }).map((index) => ({ kind: 'no-policy', index }) as const),
);

export function edited(blueprint: Blueprint, edit: Edit): Blueprint {
  switch (edit.kind) {
    case 'pod': {
      const others = blueprint.pods.filter(({ slot }) => slot !== edit.pod.slot);
      return { ...blueprint, pods: [...others, edit.pod] };
    }
    case 'no-pod':
      return { ...blueprint, pods: blueprint.pods.toSpliced(edit.index, 1) };
    case 'namespace':
      return { ...blueprint, namespaceLabels: blueprint.namespaceLabels.with(edit.index, edit.labels) };
    case 'policy':
      return { ...blueprint, policies: blueprint.policies.toSpliced(edit.index, 1, edit.policy) };
    case 'no-policy': {
      const policies = blueprint.policies.map((policy, at) => (at === edit.index ? undefined : policy));
      return { ...blueprint, policies };
    }
  }
}

/** Label selectors. Upstream: k8s.io/apimachinery pkg/labels, Requirement.Matches. */
import type { LabelSelector, LabelSelectorRequirement, Labels } from '../objects/model.ts';

/** True if every requirement holds; the empty selector holds for all labels. */
export function matchesSelector(selector: LabelSelector, labels: Labels): boolean {
  return selectorTest(selector)(labels);
}

/** The same, for many labels. */
export function selectorTest({ matchLabels, matchExpressions }: LabelSelector): (labels: Labels) => boolean {
  const required = Object.keys(matchLabels);
  return (labels) => {
    for (const key of required) if (labelOf(labels, key) !== matchLabels[key]) return false;
    return matchExpressions.every((requirement) => matchesRequirement(requirement, labels));
  };
}

/** NotIn and DoesNotExist hold when the key is absent. */
export function matchesRequirement(requirement: LabelSelectorRequirement, labels: Labels): boolean {
  const value = labelOf(labels, requirement.key);
  switch (requirement.operator) {
    case 'In':
      return value !== undefined && requirement.values.includes(value);
    case 'NotIn':
      return value === undefined || !requirement.values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
  }
}

/** Own properties only: `constructor` and `toString` are valid label keys. */
export function labelOf(labels: Labels, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}

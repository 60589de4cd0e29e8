import { describe, expect, it } from 'vitest';
import type { LabelSelectorRequirement } from '../../src/objects/model.ts';
import { matchesSelector } from '../../src/policy/selector.ts';

const requires = (...matchExpressions: LabelSelectorRequirement[]) => ({ matchLabels: {}, matchExpressions });

describe('matchesSelector', () => {
  it('selects everything when it is empty', () => {
    expect(matchesSelector(requires(), {})).toBe(true);
    expect(matchesSelector(requires(), { app: 'x' })).toBe(true);
  });

  it.each([
    ['In', ['x', 'y'], { present: true, other: false, absent: false }],
    ['NotIn', ['x', 'y'], { present: false, other: true, absent: true }],
    ['Exists', [], { present: true, other: true, absent: false }],
    ['DoesNotExist', [], { present: false, other: false, absent: true }],
  ] as const)('%s %j', (operator, values, expected) => {
    const selector = requires({ key: 'app', operator, values });
    expect({
      present: matchesSelector(selector, { app: 'x' }),
      other: matchesSelector(selector, { app: 'z' }),
      absent: matchesSelector(selector, { tier: 'x' }),
    }).toEqual(expected);
  });

  it('tells an empty value from an absent key', () => {
    expect(matchesSelector({ matchLabels: { app: '' }, matchExpressions: [] }, {})).toBe(false);
    expect(matchesSelector({ matchLabels: { app: '' }, matchExpressions: [] }, { app: '' })).toBe(true);
    expect(matchesSelector(requires({ key: 'app', operator: 'Exists', values: [] }), { app: '' })).toBe(true);
  });

  it('ANDs all of its terms', () => {
    const selector = {
      matchLabels: { app: 'x' },
      matchExpressions: [{ key: 'tier', operator: 'Exists', values: [] } as const],
    };
    expect(matchesSelector(selector, { app: 'x', tier: '1' })).toBe(true);
    expect(matchesSelector(selector, { app: 'x' })).toBe(false);
    expect(matchesSelector(selector, { tier: '1' })).toBe(false);
  });

  it('takes no inherited property for a label', () => {
    const exists = requires({ key: 'constructor', operator: 'Exists', values: [] });
    expect(matchesSelector(exists, {})).toBe(false);
    expect(matchesSelector(exists, { constructor: 'x' })).toBe(true);
  });
});

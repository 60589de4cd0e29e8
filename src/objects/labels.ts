/** Decoding of labels and label selectors. Upstream: k8s.io/apimachinery/pkg/apis/meta/v1/validation/validation.go. */
import type { Cursor } from './cursor.ts';
import type { LabelSelector, LabelSelectorRequirement, Labels } from './model.ts';
import { checkLabelKey, checkLabelValue } from './names.ts';

const labelHint = 'Use at most 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends.';
const operators = ['In', 'NotIn', 'Exists', 'DoesNotExist'] as const;

/** The labels in field `key` of `parent`; empty when absent. */
export function decodeLabels(parent: Cursor, key: string): Labels {
  const labels = [...parent.stringMap(key)];
  for (const [name, { text, at }] of labels) {
    for (const problem of checkLabelKey(name)) at.invalid(name, problem, labelHint);
    for (const problem of checkLabelValue(text)) at.invalid(text, problem, labelHint);
  }
  return Object.fromEntries(labels.map(([name, { text }]) => [name, text]));
}

/** The selector that `selector` points at. `strict` reports unknown fields. */
export function decodeLabelSelector(selector: Cursor, strict: boolean): LabelSelector {
  if (strict) selector.allowOnly(['matchLabels', 'matchExpressions']);
  return {
    matchLabels: decodeLabels(selector, 'matchLabels'),
    matchExpressions: (selector.objects('matchExpressions') ?? []).flatMap((item) =>
      decodeRequirement(item, strict),
    ),
  };
}

function decodeRequirement(item: Cursor, strict: boolean): LabelSelectorRequirement[] {
  if (strict) item.allowOnly(['key', 'operator', 'values']);
  const key = item.string('key') ?? '';
  const written = item.string('operator') ?? '';
  const values = item.strings('values') ?? [];
  const operator = operators.find((known) => known === written);
  if (operator === undefined) {
    item
      .at('operator')
      .invalid(written, 'not a valid selector operator', `Use one of ${operators.join(', ')}.`);
  } else if (operator === 'In' || operator === 'NotIn') {
    if (values.length === 0) {
      item.at('values').error({
        code: 'FIELD_REQUIRED',
        message: "Required value: must be specified when `operator` is 'In' or 'NotIn'",
        hint: 'List the values.',
      });
    }
  } else if (values.length > 0) {
    item.at('values').error({
      code: 'FIELD_FORBIDDEN',
      message: "Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
      hint: 'Remove the values, or use In or NotIn.',
    });
  }
  for (const problem of checkLabelKey(key)) item.at('key').invalid(key, problem, labelHint);
  for (const { text, at } of values)
    for (const problem of checkLabelValue(text)) at.invalid(text, problem, labelHint);
  return operator === undefined ? [] : [{ key, operator, values: values.map((value) => value.text) }];
}

/** Things filed by their labels, so that a selector looks at the few that have the label that it asks for. */
import type { LabelSelector, Labels } from '../../objects/model.ts';
import { labelOf, selectorTest } from '../../policy/selector.ts';
import { addTo, deleteFrom } from './small-set.ts';
import type { SmallSet } from './small-set.ts';

interface Labelled {
  /** Undefined: no selector finds it. */
  readonly labels: Labels | undefined;
}

export class LabelIndex<T extends Labelled> {
  readonly #all = new Set<T>();
  /** By label and value; of those labels that a selector has asked for. */
  readonly #byLabel = new Map<string, Map<string, SmallSet<T>>>();

  get all(): ReadonlySet<T> {
    return this.#all;
  }

  add(item: T): void {
    this.#all.add(item);
    for (const [label, values] of this.#byLabel) file(values, item, label);
  }

  /** With the labels that it was added with. */
  delete(item: T): void {
    this.#all.delete(item);
    for (const [label, values] of this.#byLabel) {
      const value = item.labels && labelOf(item.labels, label);
      if (value === undefined) continue;
      deleteFrom(values, value, item);
    }
  }

  /** Visits what the selector matches. */
  forEachMatching(selector: LabelSelector, visit: (item: T) => void): void {
    const { matchLabels, matchExpressions } = selector;
    const [label, ...others] = Object.keys(matchLabels);
    const value = label === undefined ? undefined : matchLabels[label];
    const candidates =
      label === undefined || value === undefined ? this.#all : this.#withLabel(label).get(value);
    if (label !== undefined && others.length + matchExpressions.length === 0) {
      candidates?.forEach(visit);
      return;
    }
    const isMatch = selectorTest(selector);
    candidates?.forEach((item: T) => {
      if (item.labels && isMatch(item.labels)) visit(item);
    });
  }

  #withLabel(label: string): Map<string, SmallSet<T>> {
    let values = this.#byLabel.get(label);
    if (!values) {
      values = new Map();
      for (const item of this.#all) file(values, item, label);
      this.#byLabel.set(label, values);
    }
    return values;
  }
}

function file<T extends Labelled>(values: Map<string, SmallSet<T>>, item: T, label: string): void {
  const value = item.labels && labelOf(item.labels, label);
  if (value === undefined) return;
  addTo(values, value, item);
}

/**
 * Which of many pod selectors select a pod, without asking each: every selector is filed under one label that it
 * requires, so that a pod's own labels lead to the few that can match.
 */
import type { LabelSelector, Labels } from '../objects/model.ts';
import type { PodMatch } from '../policy/ir.ts';
import { matchesSelector } from '../policy/selector.ts';

interface Filed<T> {
  readonly selector: LabelSelector;
  readonly value: T;
}

interface RequiredLabel {
  readonly key: string;
  /** Absent: any value will do. */
  readonly values?: readonly string[];
}

/** A label without which nothing matches; a key with values is preferred, since it leaves fewer candidates. */
function requiredLabel({ matchLabels, matchExpressions }: LabelSelector): RequiredLabel | undefined {
  for (const key in matchLabels) {
    const value = matchLabels[key];
    if (value !== undefined) return { key, values: [value] };
  }
  const oneOf = matchExpressions.find(({ operator }) => operator === 'In');
  if (oneOf) return oneOf;
  const exists = matchExpressions.find(({ operator }) => operator === 'Exists');
  return exists && { key: exists.key };
}

class SelectorIndex<T> {
  readonly #byValue = new Map<string, Map<string, Filed<T>[]>>();
  readonly #byKey = new Map<string, Filed<T>[]>();
  readonly #others: Filed<T>[] = [];

  add(selector: LabelSelector, value: T): void {
    const filed = { selector, value };
    const required = requiredLabel(selector);
    if (!required) {
      this.#others.push(filed);
    } else if (!required.values) {
      append(this.#byKey, required.key, filed);
    } else {
      let values = this.#byValue.get(required.key);
      if (!values) this.#byValue.set(required.key, (values = new Map()));
      for (const text of new Set(required.values)) append(values, text, filed);
    }
  }

  /** `selector` as it was added. */
  remove(selector: LabelSelector, value: T): void {
    const required = requiredLabel(selector);
    if (!required) {
      drop(this.#others, value);
    } else if (!required.values) {
      dropFrom(this.#byKey, required.key, value);
    } else {
      const values = this.#byValue.get(required.key);
      for (const text of new Set(required.values)) if (values) dropFrom(values, text, value);
      if (values?.size === 0) this.#byValue.delete(required.key);
    }
  }

  get isEmpty(): boolean {
    return this.#byValue.size + this.#byKey.size + this.#others.length === 0;
  }

  find(labels: Labels): T[] {
    const found: T[] = [];
    const take = (candidates: readonly Filed<T>[] | undefined) => {
      for (const { selector, value } of candidates ?? []) {
        if (matchesSelector(selector, labels)) found.push(value);
      }
    };
    take(this.#others);
    for (const [key, value] of Object.entries(labels)) {
      take(this.#byKey.get(key));
      take(this.#byValue.get(key)?.get(value));
    }
    return found;
  }
}

export class PodIndex<T> {
  readonly #byNamespace = new Map<string, SelectorIndex<T>>();
  readonly #bySelector = new Map<string, SelectorIndex<T>>();
  readonly #namespaceSelectors = new SelectorIndex<SelectorIndex<T>>();
  /** By namespace name: what `find` looked up last. */
  readonly #found = new Map<string, readonly SelectorIndex<T>[]>();

  add({ namespaces, pods }: PodMatch, value: T): void {
    const index =
      namespaces.kind === 'name' ? this.#ofNamespace(namespaces.name) : this.#ofSelector(namespaces.selector);
    index.add(pods, value);
  }

  /** What was added with an equal match. */
  remove({ namespaces, pods }: PodMatch, value: T): void {
    if (namespaces.kind === 'name') {
      const index = this.#byNamespace.get(namespaces.name);
      index?.remove(pods, value);
      if (index?.isEmpty) {
        this.#byNamespace.delete(namespaces.name);
        this.#found.delete(namespaces.name);
      }
    } else {
      const key = selectorText(namespaces.selector);
      const index = this.#bySelector.get(key);
      index?.remove(pods, value);
      if (index?.isEmpty) {
        this.#bySelector.delete(key);
        this.#namespaceSelectors.remove(namespaces.selector, index);
        this.#found.clear();
      }
    }
  }

  /** The namespace has other labels than in the last `find`, or is gone. */
  forget(namespace: string): void {
    this.#found.delete(namespace);
  }

  /** In no particular order. `namespaceLabels` undefined: a namespace that only names select. */
  find(namespace: string, namespaceLabels: Labels | undefined, podLabels: Labels): T[] {
    let indexes = this.#found.get(namespace);
    if (!indexes) {
      const named = this.#byNamespace.get(namespace);
      const selected = namespaceLabels ? this.#namespaceSelectors.find(namespaceLabels) : [];
      this.#found.set(namespace, (indexes = named ? [named, ...selected] : selected));
    }
    return indexes.flatMap((index) => index.find(podLabels));
  }

  #ofNamespace(name: string): SelectorIndex<T> {
    let index = this.#byNamespace.get(name);
    if (!index) {
      this.#byNamespace.set(name, (index = new SelectorIndex()));
      this.#found.delete(name);
    }
    return index;
  }

  #ofSelector(selector: LabelSelector): SelectorIndex<T> {
    const key = selectorText(selector);
    let index = this.#bySelector.get(key);
    if (!index) {
      this.#bySelector.set(key, (index = new SelectorIndex()));
      this.#namespaceSelectors.add(selector, index);
      this.#found.clear();
    }
    return index;
  }
}

/** The label keys that a selector looks at. */
export function mentionedKeys({ matchLabels, matchExpressions }: LabelSelector): string[] {
  return [...Object.keys(matchLabels), ...matchExpressions.map(({ key }) => key)];
}

function selectorText({ matchLabels, matchExpressions }: LabelSelector): string {
  return JSON.stringify([matchLabels, matchExpressions]);
}

function drop<T>(filed: Filed<T>[], value: T): void {
  const index = filed.findIndex((candidate) => candidate.value === value);
  if (index >= 0) filed.splice(index, 1);
}

function dropFrom<T>(map: Map<string, Filed<T>[]>, key: string, value: T): void {
  const filed = map.get(key);
  if (!filed) return;
  drop(filed, value);
  if (filed.length === 0) map.delete(key);
}

function append<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}

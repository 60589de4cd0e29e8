/** The namespaces that there are, filed by their labels: a selector that asks for one looks at the few that have it. */
import type { LabelSelector, Labels } from '../../objects/model.ts';
import type { NamespaceState } from './model.ts';

export class Namespaces {
  readonly #byName = new Map<string, NamespaceState>();
  readonly #byLabel = new Map<string, Set<NamespaceState>>();

  get(name: string): NamespaceState | undefined {
    return this.#byName.get(name);
  }

  get all(): Iterable<NamespaceState> {
    return this.#byName.values();
  }

  /** The one of this name, new if need be. */
  ensure(name: string): NamespaceState {
    let namespace = this.#byName.get(name);
    if (!namespace) {
      namespace = { name, labels: undefined, users: 0, profiles: new Set() };
      this.#byName.set(name, namespace);
    }
    return namespace;
  }

  relabel(namespace: NamespaceState, labels: Labels | undefined): void {
    for (const label of labelTexts(namespace.labels)) {
      const others = this.#byLabel.get(label);
      others?.delete(namespace);
      if (others?.size === 0) this.#byLabel.delete(label);
    }
    namespace.labels = labels;
    for (const label of labelTexts(labels)) {
      const others = this.#byLabel.get(label);
      if (others) others.add(namespace);
      else this.#byLabel.set(label, new Set([namespace]));
    }
  }

  dropIfUnused({ name, labels, users }: NamespaceState): void {
    if (!labels && users === 0) this.#byName.delete(name);
  }

  /** All that the selector can match, and perhaps some more. */
  candidates({ matchLabels }: LabelSelector): Iterable<NamespaceState> {
    const [required] = Object.entries(matchLabels);
    return required ? (this.#byLabel.get(labelText(required)) ?? []) : this.all;
  }
}

function labelTexts(labels: Labels = {}): string[] {
  return Object.entries(labels).map(labelText);
}

function labelText([key, value]: readonly [string, string]): string {
  return `${key}=${value}`;
}

/** The namespaces that there are, and those that pods or policies only speak of. */
import type { LabelSelector, Labels } from '../../objects/model.ts';
import { LabelIndex } from './label-index.ts';
import type { NamespaceState } from './model.ts';

export class Namespaces {
  readonly #byName = new Map<string, NamespaceState>();
  readonly #byLabel = new LabelIndex<NamespaceState>();

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
      namespace = { name, labels: undefined, users: 0, profiles: new LabelIndex() };
      this.#byName.set(name, namespace);
    }
    return namespace;
  }

  relabel(namespace: NamespaceState, labels: Labels | undefined): void {
    this.#byLabel.delete(namespace);
    namespace.labels = labels;
    if (labels) this.#byLabel.add(namespace);
  }

  dropIfUnused({ name, labels, users }: NamespaceState): void {
    if (!labels && users === 0) this.#byName.delete(name);
  }

  forEachMatching(selector: LabelSelector, visit: (namespace: NamespaceState) => void): void {
    this.#byLabel.forEachMatching(selector, visit);
  }
}

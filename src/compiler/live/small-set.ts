/** A set that most often has one item or none, as most of a million prefixes' do: it takes a fifth of a Set then. */
export class SmallSet<T> implements Iterable<T> {
  #only: T | undefined;
  #items: Set<T> | undefined;

  constructor(only?: T) {
    this.#only = only;
  }

  get size(): number {
    return this.#items?.size ?? (this.#only === undefined ? 0 : 1);
  }

  /** Its item, if it never had another. */
  get only(): T | undefined {
    return this.#only;
  }

  add(item: T): void {
    if (this.#items) {
      this.#items.add(item);
    } else if (this.#only === undefined) {
      this.#only = item;
    } else if (this.#only !== item) {
      this.#items = new Set([this.#only, item]);
      this.#only = undefined;
    }
  }

  delete(item: T): void {
    if (this.#items) this.#items.delete(item);
    else if (this.#only === item) this.#only = undefined;
  }

  has(item: T): boolean {
    return this.#items ? this.#items.has(item) : item !== undefined && this.#only === item;
  }

  /** As Set.forEach; makes no object for each item, as iterators do. */
  forEach(visit: (item: T) => void): void {
    if (this.#items) this.#items.forEach(visit);
    else if (this.#only !== undefined) visit(this.#only);
  }

  [Symbol.iterator](): Iterator<T> {
    if (this.#items) return this.#items.values();
    return (this.#only === undefined ? [] : [this.#only]).values();
  }
}

/** Files the item under the key. */
export function addTo<K, T>(sets: Map<K, SmallSet<T>>, key: K, item: T): void {
  const others = sets.get(key);
  if (others) others.add(item);
  else sets.set(key, new SmallSet(item));
}

/** No set without items stays. */
export function deleteFrom<K, T>(sets: Map<K, SmallSet<T>>, key: K, item: T): void {
  const others = sets.get(key);
  others?.delete(item);
  if (others?.size === 0) sets.delete(key);
}

/** The entries of another map, each made into something else when somebody asks for it. */
export class MappedView<V, W> implements ReadonlyMap<string, W> {
  readonly #map: ReadonlyMap<string, V>;
  readonly #make: (value: V) => W;

  constructor(map: ReadonlyMap<string, V>, make: (value: V) => W) {
    this.#map = map;
    this.#make = make;
  }

  get size(): number {
    return this.#map.size;
  }

  has(key: string): boolean {
    return this.#map.has(key);
  }

  get(key: string): W | undefined {
    const value = this.#map.get(key);
    return value === undefined ? undefined : this.#make(value);
  }

  keys(): MapIterator<string> {
    return this.#map.keys();
  }

  *values(): MapIterator<W> {
    for (const value of this.#map.values()) yield this.#make(value);
  }

  *entries(): MapIterator<[string, W]> {
    for (const [key, value] of this.#map) yield [key, this.#make(value)];
  }

  [Symbol.iterator](): MapIterator<[string, W]> {
    return this.entries();
  }

  forEach(each: (value: W, key: string, map: ReadonlyMap<string, W>) => void): void {
    for (const [key, value] of this.entries()) each(value, key, this);
  }
}

/** A map whose every single write a test can look at, or make fail. */
import { BpfMap } from '../../src/kernel/bpf-map.ts';
import type { PackedEntries, PackedKeys } from '../../src/kernel/bpf-map.ts';
import { libbpf } from '../../src/kernel/libbpf.ts';
import { keySizes } from '../../src/datapath/ebpf/object.ts';
import type { LoadedObject, MapName } from '../../src/datapath/ebpf/object.ts';

export interface Write {
  readonly map: string;
  readonly kind: 'put' | 'remove' | 'set';
}

/** Called before each write of one entry; may throw in its place. */
export type Watcher = (write: Write) => void;

class WatchedMap extends BpfMap {
  readonly #size: number;
  readonly #watch: Watcher;

  constructor(map: BpfMap, keySize: number, watch: Watcher) {
    super({ name: map.name, fd: map.fd, keySize });
    this.#size = keySize;
    this.#watch = watch;
  }

  override put({ count, keys, values }: PackedEntries): void {
    const size = count === 0 ? 0 : values.length / count;
    for (let index = 0; index < count; index++) {
      this.#watch({ map: this.name, kind: 'put' });
      super.put({
        count: 1,
        keys: keys.subarray(index * this.#size, (index + 1) * this.#size),
        values: values.subarray(index * size, (index + 1) * size),
      });
    }
  }

  override remove({ count, keys }: PackedKeys): void {
    for (let index = 0; index < count; index++) {
      this.#watch({ map: this.name, kind: 'remove' });
      super.remove({ count: 1, keys: keys.subarray(index * this.#size, (index + 1) * this.#size) });
    }
  }

  override set(key: Uint8Array, value: Uint8Array): void {
    this.#watch({ map: this.name, kind: 'set' });
    super.set(key, value);
  }
}

/** The object's maps, with `watch` before every write. */
export function watchedMaps(maps: LoadedObject['maps'], watch: Watcher): LoadedObject['maps'] {
  const watched = Object.entries(maps).map(([name, map]) => [
    name,
    new WatchedMap(map, keySizes[name as MapName], watch),
  ]);
  return Object.fromEntries(watched) as LoadedObject['maps'];
}

/** Every entry of a map as text, sorted: equal text, equal content. */
export function contentOf(map: BpfMap, sizes: { key: number; value: number; limit: number }): string[] {
  const keys = Buffer.alloc(sizes.key * sizes.limit);
  const values = Buffer.alloc(sizes.value * sizes.limit);
  const count = Uint32Array.of(sizes.limit);
  libbpf().lookupBatch(map.fd, null, Buffer.alloc(Math.max(4, sizes.key)), keys, values, count, null);
  return Array.from({ length: count[0] ?? 0 }, (_, index) => {
    const key = keys.subarray(index * sizes.key, (index + 1) * sizes.key);
    const value = values.subarray(index * sizes.value, (index + 1) * sizes.value);
    return `${key.toString('hex')} ${value.toString('hex')}`;
  }).sort();
}

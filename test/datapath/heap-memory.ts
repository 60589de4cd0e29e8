import { tableNames, tableWords } from '../../src/datapath/ebpf/table-memory.ts';
import type { TableMemory, TableName } from '../../src/datapath/ebpf/table-memory.ts';
import type { Capacity } from '../../src/datapath/ebpf/capacity.ts';
import { windowSize } from '../../src/kernel/shared-memory.ts';
import { Words } from '../../src/datapath/ebpf/words.ts';

/** Words that nobody shares, in windows as those that are shared. */
export function heapWords(name: string, length: number): Words {
  const mapped = new Set<number>();
  const memory = {
    buffer: new ArrayBuffer(4 * length),
    isMapped: (window: number) => mapped.has(window),
    map: (window: number) => void mapped.add(window),
    release: (window: number) => void mapped.delete(window),
  };
  return new Words(name, memory, length);
}

/** A copy of these words as bytes; by default of all. What is not mapped is zero. */
export function bytesOf({ memory, length }: Words, from = 0, end = length): Buffer {
  const copy = Buffer.alloc(4 * (end - from));
  for (let at = 4 * from; at < 4 * end; at += windowSize - (at % windowSize)) {
    const size = Math.min(windowSize - (at % windowSize), 4 * end - at);
    if (memory.isMapped(Math.floor(at / windowSize)))
      copy.set(new Uint8Array(memory.buffer, at, size), at - 4 * from);
  }
  return copy;
}

/** What the kernel would share: the memory of empty tables, without a kernel. */
export function heapMemory(capacity: Capacity): TableMemory {
  const words = tableWords(capacity);
  const memory = tableNames.map((name): [TableName, Words] => {
    return [name, heapWords(name, words[name])];
  });
  return Object.fromEntries(memory) as Record<TableName, Words>;
}

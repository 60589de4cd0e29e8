import { tableNames, tableWords } from '../../src/datapath/ebpf/table-memory.ts';
import type { TableMemory, TableName } from '../../src/datapath/ebpf/table-memory.ts';
import type { Capacity } from '../../src/datapath/ebpf/capacity.ts';
import { Words } from '../../src/datapath/ebpf/words.ts';

/** What the kernel would share: the memory of empty tables, without a kernel. */
export function heapMemory(capacity: Capacity): TableMemory {
  const words = tableWords(capacity);
  const memory = tableNames.map((name): [TableName, Words] => {
    return [name, new Words(name, new ArrayBuffer(4 * words[name]), words[name])];
  });
  return Object.fromEntries(memory) as Record<TableName, Words>;
}

/**
 * How the agent opens the datapath of its node: with as much room as its options allow. The maps of programs are made in
 * their full size, so they begin small and grow; sets of nftables take memory as they fill.
 */
import { defaultCapacity } from '../datapath/ebpf/capacity.ts';
import { tableBytes } from '../datapath/ebpf/table-memory.ts';
import { capacityWithin } from '../datapath/nftables/capacity.ts';
import type { TableCapacity } from '../datapath/table-capacity.ts';
import type { Logger } from './log.ts';
import type { TableRoom } from './metrics/agent-metrics.ts';
import { openDatapath } from './node-datapath.ts';
import type { NodeDatapathOptions } from './node-datapath.ts';
import type { OpenDatapath } from './opened-datapath.ts';
import { TableGrowth } from './table-growth.ts';

export interface GrowingDatapathOptions extends Omit<NodeDatapathOptions, 'capacity' | 'podInterfacePrefix'> {
  /** As it is known when the datapath is opened. */
  readonly podInterfacePrefix: () => string | undefined;
  /** Bytes of the kernel that tables may take. */
  readonly memory: number;
  readonly logger: Logger;
}

export interface GrowingDatapath {
  readonly open: OpenDatapath;
  readonly growth: TableGrowth | undefined;
  readonly room: () => TableRoom;
}

export function growingDatapath(options: GrowingDatapathOptions): GrowingDatapath {
  const { podInterfacePrefix, memory, logger, ...rest } = options;
  const openWith = (capacity: Partial<TableCapacity>) => {
    const prefix = podInterfacePrefix();
    const interfaces = prefix === undefined ? {} : { podInterfacePrefix: prefix };
    return openDatapath({ ...rest, capacity, ...interfaces });
  };
  if (rest.engine === 'nftables') {
    const capacity = capacityWithin(memory);
    return {
      open: () => openWith(capacity),
      growth: undefined,
      room: () => ({ capacity, taken: memory, limit: memory }),
    };
  }
  const whole = (capacity: Partial<TableCapacity>) => ({ ...defaultCapacity, ...capacity });
  const growth = new TableGrowth({ bytesOf: (capacity) => tableBytes(whole(capacity)), limit: memory });
  const open = (capacity: Partial<TableCapacity>) => {
    const rows = Object.entries(capacity).map(([table, count]) => `${table} ${count}`);
    if (rows.length === 0) return openWith(capacity);
    logger.log('info', 'the datapath gets larger tables', { rows: rows.join(', ') });
    try {
      return openWith(capacity);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      logger.log('error', `there are no larger tables: ${why}`, { rows: rows.join(', ') });
      throw error;
    }
  };
  const room = (): TableRoom => {
    const { addresses, cidrs, subjects, classes, ports, rules } = whole(growth.capacity);
    return { capacity: { addresses, cidrs, subjects, classes, ports, rules }, ...growth.bytes };
  };
  return { open, growth, room };
}

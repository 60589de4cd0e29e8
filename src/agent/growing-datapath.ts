/** How the agent opens the datapath of its node: with tables that grow, as far as its options allow. */
import type { TableCapacity } from '../datapath/table-capacity.ts';
import type { Logger } from './log.ts';
import type { TableRoom } from './metrics/agent-metrics.ts';
import { openDatapath, tableBytes, tableCapacity } from './node-datapath.ts';
import type { NodeDatapathOptions } from './node-datapath.ts';
import type { OpenDatapath } from './opened-datapath.ts';
import { TableGrowth } from './table-growth.ts';

export interface GrowingDatapathOptions extends Omit<NodeDatapathOptions, 'capacity' | 'podInterfacePrefix'> {
  /** As it is known when the datapath is opened. */
  readonly podInterfacePrefix: () => string | undefined;
  /** Bytes that tables may take. */
  readonly memory: number;
  readonly logger: Logger;
}

export function growingDatapath({ podInterfacePrefix, memory, logger, ...rest }: GrowingDatapathOptions): {
  readonly open: OpenDatapath;
  readonly growth: TableGrowth;
  readonly room: () => TableRoom;
} {
  const { engine } = rest;
  const growth = new TableGrowth({ bytesOf: (capacity) => tableBytes(engine, capacity), limit: memory });
  const open = (capacity: Partial<TableCapacity>) => {
    const larger = Object.entries(capacity).map(([table, rows]) => `${table} ${rows}`);
    if (larger.length > 0) logger.log('info', 'the datapath gets larger tables', { rows: larger.join(', ') });
    const prefix = podInterfacePrefix();
    return openDatapath({
      ...rest,
      capacity,
      ...(prefix === undefined ? {} : { podInterfacePrefix: prefix }),
    });
  };
  return {
    open,
    growth,
    room: () => ({ capacity: tableCapacity(engine, growth.capacity), ...growth.bytes }),
  };
}

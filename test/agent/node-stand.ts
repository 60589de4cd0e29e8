/** A node's enforcer on datapaths that are tables in memory. */
import { NodeEnforcer } from '../../src/agent/node-enforcer.ts';
import type { TableGrowth } from '../../src/agent/table-growth.ts';
import type { TableCapacity } from '../../src/datapath/table-capacity.ts';
import { FakeDatapath } from './fake-datapath.ts';

const node = 'n1';

/** Tables that may grow begin with room for two. */
export const portsOf = ({ ports = 2 }: Partial<TableCapacity>): number => ports;

export function setUp(growth?: TableGrowth) {
  const opened: FakeDatapath[] = [];
  /** Why nothing can be opened at the moment. */
  const obstacle: { error?: Error } = {};
  const open = (capacity: Partial<TableCapacity>): FakeDatapath => {
    if (obstacle.error) throw obstacle.error;
    const datapath = new FakeDatapath();
    const { portCapacity = Infinity, refuses = false } = opened.at(-1) ?? {};
    const growablePorts = growth ? portsOf(capacity) : Infinity;
    opened.push(Object.assign(datapath, { portCapacity, growablePorts, refuses }));
    return datapath;
  };
  const enforcer = new NodeEnforcer(node, open, growth);
  const datapath = (): FakeDatapath => {
    const last = opened.at(-1);
    if (!last) throw new Error('nothing was opened');
    return last;
  };
  return { enforcer, datapath, obstacle };
}

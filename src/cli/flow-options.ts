/** The options of every command that shows flows. */
import { InvalidArgumentError, Option } from 'commander';
import type { FlowFilter } from '../observe/flow-filter.ts';

export interface FlowOptions {
  readonly follow?: boolean;
  readonly last: number;
  readonly from?: string;
  readonly to?: string;
  readonly verdict?: 'allowed' | 'denied';
  readonly port?: number;
  readonly output: 'compact' | 'table' | 'json';
}

export const flowOptions = (): Option[] => [
  new Option('-f, --follow', 'go on until interrupted'),
  new Option('-n, --last <count>', 'how many past flows').default(20).argParser(parseCount),
  new Option('--from <who>', 'source: namespace/pod, namespace/, workload, node or address'),
  new Option('--to <who>', 'destination, likewise'),
  new Option('--verdict <verdict>', 'only these').choices(['allowed', 'denied']),
  new Option('--port <port>', 'destination port').argParser(parseCount),
  new Option('-o, --output <format>', 'output format; json is one object per line')
    .choices(['compact', 'table', 'json'])
    .default('compact'),
];

export function flowFilter({ from, to, verdict, port }: FlowOptions): FlowFilter {
  return {
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(verdict === undefined ? {} : { verdict }),
    ...(port === undefined ? {} : { port }),
  };
}

function parseCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 0) throw new InvalidArgumentError('It must be a number.');
  return count;
}

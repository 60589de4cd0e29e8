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
  new Option('-n, --last <count>', 'how many past flows').default(20).argParser(wholeNumber(0)),
  new Option('--from <who>', 'source: namespace/pod, namespace/, workload, node or address'),
  new Option('--to <who>', 'destination, likewise'),
  new Option('--verdict <verdict>', 'only these').choices(['allowed', 'denied']),
  new Option('--port <port>', 'destination port, a number').argParser(wholeNumber(1, 65_535)),
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

function wholeNumber(least: number, most = Number.MAX_SAFE_INTEGER) {
  const range = most === Number.MAX_SAFE_INTEGER ? `${least} or more` : `from ${least} to ${most}`;
  return (text: string): number => {
    const number = /^\d+$/.test(text) ? Number(text) : NaN;
    if (number >= least && number <= most) return number;
    throw new InvalidArgumentError(`It must be a whole number, ${range}.`);
  };
}

/** The options of every command that reads manifests, and what they mean to the sources. */
import { Argument, InvalidArgumentError, Option } from 'commander';
import type { IpFamily } from '../objects/ip.ts';
import type { Context } from './context.ts';

export interface SourceOptions {
  readonly unknownFields: 'error' | 'warn';
  /** Absent: as the manifests tell. */
  readonly ipFamily?: 'ipv4' | 'ipv6' | 'dual';
  readonly nodes: number;
}

export const pathsArgument = (): Argument =>
  new Argument('<path...>', 'manifest files, folders or globs; - reads standard input');

export const sourceOptions = (): Option[] => [
  new Option('--unknown-fields <mode>', 'unknown or misspelt fields of a policy')
    .choices(['error', 'warn'])
    .default('error'),
  new Option(
    '--ip-family <family>',
    'addresses that pods and services have; by default of the families that the manifests tell, else ipv4',
  ).choices(['ipv4', 'ipv6', 'dual']),
  new Option('--nodes <count>', 'nodes to spread the pods over, when the manifests have none')
    .default(2)
    .argParser(parseCount),
];

const families: Readonly<Record<NonNullable<SourceOptions['ipFamily']>, readonly IpFamily[]>> = {
  ipv4: [4],
  ipv6: [6],
  dual: [4, 6],
};

/** What sources/load.ts takes; standard input is read here, once, when one of the paths is `-`. */
export function loadOptions(options: SourceOptions, paths: readonly string[], context: Context) {
  return {
    unknownFields: options.unknownFields,
    ...(options.ipFamily ? { families: families[options.ipFamily] } : {}),
    nodes: options.nodes,
    ...(paths.includes('-') ? { stdin: context.readStdin() } : {}),
  };
}

function parseCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 100)
    throw new InvalidArgumentError('It must be a number from 1 to 100.');
  return count;
}

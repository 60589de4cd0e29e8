/** The options of every command that reads manifests or a running cluster, and what they mean to the sources. */
import { Argument, Option } from 'commander';
import { BulkheadError, failure, type Diagnostic } from '../errors.ts';
import type { IpFamily } from '../objects/ip.ts';
import type { Cluster } from '../objects/model.ts';
import { clusterOptions, withCluster, type ClusterOptions } from './cluster-options.ts';
import type { Context } from './context.ts';
import type { Progress } from './progress.ts';
import { parseCount } from './parse-count.ts';

export interface ManifestOptions {
  readonly unknownFields: 'error' | 'warn';
  /** Absent: as the manifests tell. */
  readonly ipFamily?: 'ipv4' | 'ipv6' | 'dual';
  readonly nodes: number;
}

export const pathsArgument = (): Argument =>
  new Argument('<path...>', 'manifest files, folders or globs; - reads standard input');

export const manifestOptions = (): Option[] => [
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

/** Of commands that can take a running cluster in the place of manifests. */
export interface SourceOptions extends ManifestOptions, ClusterOptions {
  readonly live?: boolean;
}

export const sourceOptions = (): Option[] => [
  ...manifestOptions(),
  new Option('--live', 'the cluster as its API server has it now, instead of manifests'),
  ...clusterOptions(),
];

export const sourceArgument = (): Argument =>
  new Argument('[path...]', 'manifest files, folders or globs; - reads standard input; none with --live');

/** What the commands that judge, compile and check work on. */
export interface Source {
  readonly cluster: Cluster;
  readonly manifests: {
    /** Keyed by `Kind/namespace/name`. */
    readonly objects: ReadonlyMap<string, unknown>;
    readonly diagnostics: readonly Diagnostic[];
    readonly skipped: ReadonlyMap<string, number>;
  };
  /** The text behind positions that are in no file. */
  readonly textOf: (file: string) => string | undefined;
}

interface SourceCall {
  readonly args: readonly string[];
  readonly options: SourceOptions;
  readonly context: Context;
  readonly progress: Progress;
}

/** From manifests or, with --live, from an API server. @throws BulkheadError */
export async function readSource({ args, options, context, progress }: SourceCall): Promise<Source> {
  if (options.live === true) {
    if (args.length > 0)
      throw misused('CLI_EXCESS_ARGUMENTS', 'with --live no paths are read', 'Leave out one of the two.');
    const { readLiveCluster } = await import('./live-source.ts');
    progress.stage('reading the cluster');
    return withCluster(options, readLiveCluster);
  }
  if (args.length === 0) {
    const hint = 'Name manifest files or folders, or read a cluster with --live.';
    throw misused('CLI_MISSING_ARGUMENT', "missing required argument 'path'", hint);
  }
  const { loadCluster } = await import('../sources/load.ts');
  progress.stage('reading manifests');
  return { ...loadCluster(args, loadOptions(options, args, context)), textOf: () => undefined };
}

function misused(code: string, message: string, hint: string): BulkheadError {
  return new BulkheadError(failure(code, message, { hint }));
}

const families: Readonly<Record<NonNullable<ManifestOptions['ipFamily']>, readonly IpFamily[]>> = {
  ipv4: [4],
  ipv6: [6],
  dual: [4, 6],
};

/** What sources/load.ts takes; standard input is read here, once, when one of the paths is `-`. */
export function loadOptions(options: ManifestOptions, paths: readonly string[], context: Context) {
  return {
    unknownFields: options.unknownFields,
    ...(options.ipFamily ? { families: families[options.ipFamily] } : {}),
    nodes: options.nodes,
    ...(paths.includes('-') ? { stdin: context.readStdin() } : {}),
  };
}

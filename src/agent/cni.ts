/**
 * What the node's CNI configuration says of how pods are linked to the node: the name that their interfaces have in
 * its namespace, and whether they share a bridge. As the container runtime does (go-cni, libcni), the first file by
 * name counts.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gatePlugin } from '../gate/protocol.ts';

export interface CniShape {
  /** The file that counts; undefined: there is none (yet). */
  readonly file: string | undefined;
  /** Types of the plugins in order, `ptp`, `portmap`, …; empty where the file can't be read. */
  readonly plugins: readonly string[];
  /** What the names of pods' interfaces begin with: of a bridge its own name, by which packets come in and go out. */
  readonly podInterfaces: string | undefined;
  /** Name of the bridge that the pods share. */
  readonly bridge: string | undefined;
  /** Bulkhead's own plugin is in the chain: a pod starts only when its policies are in the kernel. */
  readonly gate: boolean;
}

/** Main plugins that link each pod by an interface of its own, and what they call it. */
const interfacePrefixes: Readonly<Record<string, string>> = {
  ptp: 'veth',
  calico: 'cali',
  'cilium-cni': 'lxc',
  'aws-cni': 'eni',
  'azure-vnet': 'azv',
  'gke-networking': 'gke',
};

/** Main plugins that put pods on a bridge, and what it is called unless the configuration says otherwise. */
const bridges: Readonly<Record<string, string>> = { bridge: 'cni0', flannel: 'cni0', 'weave-net': 'weave' };

/** Those that a container runtime reads; the first one counts. */
export function cniFiles(directory: string): readonly string[] {
  const names = existsSync(directory) ? readdirSync(directory) : [];
  return names
    .filter((name) => /\.(conflist|conf|json)$/.test(name))
    .sort()
    .map((name) => join(directory, name));
}

/** Never throws: what can't be read is unknown. */
export function readCniShape(directory: string): CniShape {
  const [file] = cniFiles(directory);
  if (file === undefined) return unknown;
  const plugins = pluginsOf(file);
  const types = plugins.map((plugin) => textOf(plugin['type']) ?? '');
  const [main = {}] = plugins;
  const type = types[0] ?? '';
  const bridge = type in bridges ? (bridgeName(main) ?? bridges[type]) : undefined;
  const podInterfaces = bridge ?? interfacePrefixes[type];
  return { file, plugins: types, podInterfaces, bridge, gate: types.includes(gatePlugin) };
}

const unknown: CniShape = {
  file: undefined,
  plugins: [],
  podInterfaces: undefined,
  bridge: undefined,
  gate: false,
};

type Plugin = Readonly<Record<string, unknown>>;

function pluginsOf(file: string): readonly Plugin[] {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (!isRecord(value)) return [];
    const list: unknown = value['plugins'];
    return Array.isArray(list) ? list.filter(isRecord) : [value];
  } catch {
    return [];
  }
}

/** Flannel hands its `delegate` to the bridge plugin. */
function bridgeName(plugin: Plugin): string | undefined {
  const delegate = plugin['delegate'];
  return textOf(plugin['bridge']) ?? (isRecord(delegate) ? textOf(delegate['bridge']) : undefined);
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Pods and the pod templates of workloads. Upstream: k8s.io/api core/v1. */
import type { Cursor } from './cursor.ts';
import { parseAddress, type Address } from './ip.ts';
import { decodeLabels } from './labels.ts';
import { decodeMetadata, type Metadata } from './metadata.ts';
import type { ContainerPort, Labels, Pod } from './model.ts';
import { checkPortName } from './names.ts';
import { decodePortNumber, decodeProtocol, portNameHint } from './ports.ts';

export interface PodSpec {
  readonly hostNetwork: boolean;
  readonly nodeName?: string;
  /** Of the containers, and of the init containers that keep running beside them (restartPolicy Always). */
  readonly ports: readonly ContainerPort[];
}

export interface PodTemplate extends PodSpec {
  readonly labels: Labels;
}

export interface PodManifest extends Metadata, PodSpec {
  readonly kind: 'Pod';
  readonly phase: Pod['phase'];
  /** From status; empty where the manifest has none, and for terminal pods. */
  readonly addresses: readonly Address[];
  /** From status: of the node it runs on. */
  readonly hostAddresses: readonly Address[];
}

const phases: readonly Pod['phase'][] = ['Pending', 'Running', 'Succeeded', 'Failed', 'Unknown'];

export function isTerminal(phase: Pod['phase']): boolean {
  return phase === 'Succeeded' || phase === 'Failed';
}

export function decodePod(object: Cursor): PodManifest {
  const status = object.object('status');
  const written = status?.string('phase');
  // A manifest without status is a pod that is to run.
  const phase = written === undefined ? 'Running' : (phases.find((known) => known === written) ?? 'Unknown');
  const addresses = isTerminal(phase) ? [] : decodeAddresses(status, 'podIPs', 'podIP');
  return {
    kind: 'Pod',
    ...decodeMetadata(object, { namespaced: true, name: 'subdomain' }),
    ...decodePodSpec(object.object('spec')),
    phase,
    addresses,
    hostAddresses: decodeAddresses(status, 'hostIPs', 'hostIP'),
  };
}

/** Decodes the template in field `template` of a workload's spec. */
export function decodePodTemplate(spec: Cursor | undefined): PodTemplate {
  const template = spec?.object('template');
  const metadata = template?.object('metadata');
  return {
    labels: metadata ? decodeLabels(metadata, 'labels') : {},
    ...decodePodSpec(template?.object('spec')),
  };
}

function decodePodSpec(spec: Cursor | undefined): PodSpec {
  const nodeName = spec?.string('nodeName');
  const containers = spec?.objects('containers') ?? [];
  const sidecars = (spec?.objects('initContainers') ?? []).filter(
    (container) => container.string('restartPolicy') === 'Always',
  );
  return {
    hostNetwork: spec?.boolean('hostNetwork') ?? false,
    ...(nodeName ? { nodeName } : {}),
    ports: [...containers, ...sidecars].flatMap((container) =>
      (container.objects('ports') ?? []).flatMap(decodeContainerPort),
    ),
  };
}

function decodeContainerPort(port: Cursor): ContainerPort[] {
  const containerPort = decodePortNumber(port, 'containerPort');
  const name = port.string('name');
  const protocol = decodeProtocol(port);
  if (!port.has('containerPort')) {
    port.at('containerPort').error({
      code: 'FIELD_REQUIRED',
      message: 'Required value',
      hint: 'Give the number of the port that the container listens on.',
    });
  }
  if (name) for (const problem of checkPortName(name)) port.at('name').invalid(name, problem, portNameHint);
  return containerPort === undefined ? [] : [{ ...(name ? { name } : {}), containerPort, protocol }];
}

/** The addresses in `[{ip}]` of field `list`, else the one in field `single`; one per family. */
function decodeAddresses(status: Cursor | undefined, list: string, single: string): Address[] {
  const all = (status?.objects(list) ?? []).flatMap((item) => readAddress(item, 'ip'));
  const addresses = all.length > 0 || !status ? all : readAddress(status, single);
  return addresses.filter(
    (address, index) => addresses.findIndex(({ family }) => family === address.family) === index,
  );
}

/** What is wrong with a malformed address, and what to do about it. */
export const notAnAddress = [
  'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
  'Write one address, without a prefix length and without leading zeros.',
] as const;

/** The address in field `key`, reported where it is none; empty where the field is absent. */
export function readAddress(parent: Cursor, key: string): Address[] {
  const text = parent.string(key);
  if (!text) return [];
  const address = parseAddress(text);
  if (address) return [address];
  parent.at(key).invalid(text, ...notAnAddress);
  return [];
}

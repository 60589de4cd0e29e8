/** What a container runtime tells a CNI plugin, and what it may be answered. Upstream: containernetworking/cni, SPEC.md. */
import { isIP } from 'node:net';
import type { Sandbox } from './protocol.ts';

export const versions = ['0.3.1', '0.4.0', '1.0.0', '1.1.0'] as const;

/** Codes below 100 are those of the specification. */
export const codes = {
  incompatibleVersion: 1,
  invalidEnvironment: 4,
  decodingFailure: 6,
  invalidConfiguration: 7,
  agentAway: 100,
  notInKernel: 101,
} as const;

/** Ends the plugin with the specification's form of an error. */
export class CniError extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export interface Configuration {
  readonly cniVersion: string;
  /** Of the agent. */
  readonly socket: string;
  /** How long an ADD waits. */
  readonly timeoutMs: number;
  readonly prevResult: Fields | undefined;
  /** Of GC: what the runtime still knows. */
  readonly validContainers: readonly string[];
}

export type Environment = Readonly<Record<string, string | undefined>>;
type Fields = Readonly<Record<string, unknown>>;

/** Kubelet gives a sandbox four minutes; a stuck one is better tried anew, and said to be. */
const defaultTimeoutMs = 30_000;

/** Throws CniError where it is no configuration. */
export function readConfiguration(text: string): Configuration {
  const fields = parse(text);
  const cniVersion = textOf(fields['cniVersion']) ?? '';
  if (!versions.some((known) => known === cniVersion)) {
    throw new CniError(
      codes.incompatibleVersion,
      `cniVersion is ${JSON.stringify(cniVersion)}; there is ${versions.join(', ')}`,
    );
  }
  const { prevResult, socket, timeoutMs } = fields;
  return {
    cniVersion,
    socket: textOf(socket) ?? '/run/bulkhead/gate.sock',
    timeoutMs: typeof timeoutMs === 'number' ? timeoutMs : defaultTimeoutMs,
    prevResult: isFields(prevResult) ? prevResult : undefined,
    validContainers: listOf(fields['cni.dev/valid-attachments'] ?? fields['cni.dev/attachments']).flatMap(
      (attachment) => textOf(attachment['containerID']) ?? [],
    ),
  };
}

/** Of a configuration that may not be fit for more: what errors and versions are answered in. */
export function readVersion(text: string): string {
  try {
    return textOf(parse(text)['cniVersion']) ?? versions[0];
  } catch {
    return versions[0];
  }
}

/**
 * Undefined: no pod of Kubernetes, or not its own interface but one more (the API names no addresses of such, and no
 * policy is about them). Throws CniError where it is one, but not whole.
 */
export function readSandbox(environment: Environment, prevResult: Fields | undefined): Sandbox | undefined {
  const pairs = (environment['CNI_ARGS'] ?? '').split(';').map((pair) => {
    const at = pair.indexOf('=');
    return [pair.slice(0, at), pair.slice(at + 1)] as const;
  });
  const given = new Map(pairs);
  const [namespace, name, uid] = ['K8S_POD_NAMESPACE', 'K8S_POD_NAME', 'K8S_POD_UID'].map((key) =>
    given.get(key),
  );
  if (!namespace || !name || environment['CNI_IFNAME'] !== 'eth0') return undefined;
  if (!uid)
    throw new CniError(
      codes.invalidEnvironment,
      'CNI_ARGS has no K8S_POD_UID: the container runtime is too old',
    );
  return {
    container: readContainer(environment),
    namespace,
    name,
    uid,
    addresses: addressesOf(prevResult),
  };
}

export function readContainer(environment: Environment): string {
  const container = environment['CNI_CONTAINERID'];
  if (container !== undefined && /^[a-zA-Z0-9][\w.-]*$/.test(container)) return container;
  throw new CniError(codes.invalidEnvironment, 'CNI_CONTAINERID is not that of a container');
}

/** Of the sandbox's interfaces, not those of the node, where the result tells them apart; the first of each family. */
function addressesOf(prevResult: Fields | undefined): readonly string[] {
  if (!prevResult)
    throw new CniError(
      codes.invalidConfiguration,
      'there is no prevResult: the plugin stands first in the chain',
    );
  const interfaces = listOf(prevResult['interfaces']);
  const addresses = listOf(prevResult['ips'])
    .filter(({ interface: index }) => typeof index !== 'number' || textOf(interfaces[index]?.['sandbox']))
    .flatMap((ip) => textOf(ip['address'])?.split('/')[0] ?? []);
  const first = ([4, 6] as const).flatMap((family) => addresses.find((one) => isIP(one) === family) ?? []);
  if (first.length > 0) return first;
  throw new CniError(codes.invalidConfiguration, 'prevResult names no address of the pod');
}

function parse(text: string): Fields {
  try {
    const value: unknown = JSON.parse(text);
    if (isFields(value)) return value;
  } catch {
    // As for anything else that is no object.
  }
  throw new CniError(
    codes.decodingFailure,
    'the network configuration on the standard input is no JSON object',
  );
}

function listOf(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.filter(isFields) : [];
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Services with every address and port assigned, and the backends behind each of their ports. */
import { failure, formatPosition, type Diagnostic } from '../errors.ts';
import { makeAddress, parseCidr, type Address, type Cidr, type IpFamily } from '../objects/ip.ts';
import type { Cluster, Service, ServicePort } from '../objects/model.ts';
import type { ServiceManifest } from '../objects/service.ts';
import { allocateAddress } from './address-pool.ts';
import { hash } from './hash.ts';

/** kubeadm's service subnet, and what a dual-stack cluster adds. The first 256 are for well-known Services. */
const serviceCIDRs: readonly (Cidr | undefined)[] = [
  parseCidr('10.96.0.0/12'),
  parseCidr('fd00:10:96::/112'),
];
const reservedAddresses = 256;
const wellKnown: Readonly<Record<string, number>> = { 'default/kubernetes': 1, 'kube-system/kube-dns': 10 };
const nodePortRange = { first: 30_000, count: 2_768 };

export interface ServiceContext {
  readonly families: readonly IpFamily[];
  /** Texts of the addresses that are taken; grows. */
  readonly claimed: Set<string>;
  readonly previous?: Cluster;
}

/** Services by key, in the order given. What a manifest says and what `previous` had goes before anything new. */
export function makeServices(
  manifests: readonly ServiceManifest[],
  context: ServiceContext,
): ReadonlyMap<string, Service> {
  const takenPorts = new Set(
    manifests.flatMap(({ ports }) => ports.flatMap((port) => nodePortKey(port) ?? [])),
  );
  const kept = manifests.map((manifest) => keepAssigned(manifest, context, takenPorts));
  return new Map(
    kept.map((manifest) => {
      const key = serviceKey(manifest);
      const { namespace, name, type, headless, selector, externalName, position } = manifest;
      const service: Service = {
        key,
        namespace,
        name,
        type,
        clusterIPs: clusterIPs(manifest, context),
        headless,
        ...(selector ? { selector } : {}),
        ports: manifest.ports.map((port) => withNodePort(port, manifest, takenPorts)),
        ...(externalName ? { externalName } : {}),
        position,
      };
      return [key, service];
    }),
  );
}

/** Node ports that two Services ask for; the API server would give each to the first that came. */
export function nodePortClashes(manifests: readonly ServiceManifest[]): readonly Diagnostic[] {
  const holders = new Map<string, ServiceManifest>();
  return manifests.flatMap((manifest) =>
    manifest.ports.flatMap((port) => {
      const key = nodePortKey(port);
      const first = key === undefined ? undefined : holders.get(key);
      if (key !== undefined && !first) holders.set(key, manifest);
      if (!first) return [];
      const where = `Service ${serviceKey(first)} (${formatPosition(first.position)})`;
      return failure(
        'NODE_PORT_CLASH',
        `Service ${serviceKey(manifest)} and ${where} both have node port ${key}`,
        {
          hint: 'Give one of them another nodePort, or none: one is then chosen.',
          position: manifest.position,
        },
      );
    }),
  );
}

/** The families that a Service is reached by. */
export function serviceFamilies(
  manifest: ServiceManifest,
  cluster: readonly IpFamily[],
): readonly IpFamily[] {
  const known = [...manifest.clusterIPs.map(({ family }) => family), ...manifest.families];
  const asked = cluster.filter((family) => known.includes(family));
  if (manifest.dualStack) return [...asked, ...cluster.filter((family) => !asked.includes(family))];
  return asked.length > 0 ? asked : cluster.slice(0, 1);
}

/** The manifest with the addresses and node ports that it leaves open and that the Service had before. */
function keepAssigned(
  manifest: ServiceManifest,
  context: ServiceContext,
  takenPorts: Set<string>,
): ServiceManifest {
  const before = context.previous?.services.get(serviceKey(manifest));
  if (!before) return manifest;
  const families = serviceFamilies(manifest, context.families);
  const addresses = before.clusterIPs.filter(
    ({ family, text }) =>
      hasClusterIP(manifest) &&
      families.includes(family) &&
      !manifest.clusterIPs.some((given) => given.family === family) &&
      !context.claimed.has(text),
  );
  for (const { text } of addresses) context.claimed.add(text);
  const ports = manifest.ports.map((port) => {
    const same = before.ports.find((other) => other.port === port.port && other.protocol === port.protocol);
    if (!hasNodePorts(manifest) || port.nodePort || !same?.nodePort) return port;
    const candidate = { ...port, nodePort: same.nodePort };
    const key = nodePortKey(candidate) ?? '';
    if (takenPorts.has(key)) return port;
    takenPorts.add(key);
    return candidate;
  });
  return { ...manifest, clusterIPs: [...manifest.clusterIPs, ...addresses], ports };
}

function hasClusterIP(manifest: ServiceManifest): boolean {
  return !manifest.headless && manifest.type !== 'ExternalName';
}

function hasNodePorts(manifest: ServiceManifest): boolean {
  return manifest.type === 'NodePort' || manifest.type === 'LoadBalancer';
}

function serviceKey(manifest: ServiceManifest): string {
  return `${manifest.namespace}/${manifest.name}`;
}

function clusterIPs(manifest: ServiceManifest, context: ServiceContext): Address[] {
  if (!hasClusterIP(manifest)) return [];
  return serviceFamilies(manifest, context.families).flatMap((family) => {
    const given = manifest.clusterIPs.find((address) => address.family === family);
    return given ?? allocateClusterIP(family, serviceKey(manifest), context.claimed) ?? [];
  });
}

function allocateClusterIP(family: IpFamily, key: string, claimed: Set<string>): Address | undefined {
  const prefix = serviceCIDRs.find((cidr) => cidr?.family === family);
  if (!prefix) return undefined;
  const offset = wellKnown[key];
  const preferred = offset === undefined ? undefined : makeAddress(family, prefix.bits + BigInt(offset));
  if (preferred && !claimed.has(preferred.text)) {
    claimed.add(preferred.text);
    return preferred;
  }
  return allocateAddress({ prefix, reserved: reservedAddresses, claimed }, key);
}

function withNodePort(port: ServicePort, manifest: ServiceManifest, taken: Set<string>): ServicePort {
  if (!hasNodePorts(manifest) || port.nodePort !== undefined) return port;
  const start = hash(`${serviceKey(manifest)}:${port.port}/${port.protocol}`);
  for (let step = 0; step < nodePortRange.count; step += 1) {
    const candidate = { ...port, nodePort: nodePortRange.first + ((start + step) % nodePortRange.count) };
    const key = nodePortKey(candidate) ?? '';
    if (taken.has(key)) continue;
    taken.add(key);
    return candidate;
  }
  return port;
}

function nodePortKey(port: ServicePort): string | undefined {
  return port.nodePort === undefined ? undefined : `${port.protocol}/${port.nodePort}`;
}

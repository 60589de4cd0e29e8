/** One manifest of any kind that Bulkhead knows. */
import type { Cursor } from './cursor.ts';
import { decodeEndpoints, decodeEndpointSlice, type EndpointsManifest } from './endpoints.ts';
import { decodeMetadata, type Metadata } from './metadata.ts';
import { decodeNetworkPolicy, type NetworkPolicyManifest } from './network-policy.ts';
import { decodeNode, type NodeManifest } from './node.ts';
import { decodePod, type PodManifest } from './pod.ts';
import { decodeService, type ServiceManifest } from './service.ts';
import { closest } from './suggest.ts';
import { decodeWorkload, workloadKinds, workloadVersions, type WorkloadManifest } from './workload.ts';

export interface NamespaceManifest extends Metadata {
  readonly kind: 'Namespace';
}

/**
 * Labels set by hand on a pod that a controller makes (and that no manifest declares): its labels are the template's
 * with these changes; null removes a label. Never decoded from a file.
 */
export interface PodLabelsManifest extends Metadata {
  readonly kind: 'PodLabels';
  readonly changes: Readonly<Record<string, string | null>>;
}

export type ManifestObject =
  | NamespaceManifest
  | PodManifest
  | PodLabelsManifest
  | WorkloadManifest
  | ServiceManifest
  | EndpointsManifest
  | NodeManifest
  | NetworkPolicyManifest;

/** `Kind/namespace/name`, with an empty namespace for what is in none: `Node//worker`. */
export function objectKey(object: Pick<ManifestObject, 'kind' | 'namespace' | 'name'>): string {
  return `${object.kind}/${object.namespace}/${object.name}`;
}

type Decoder = (object: Cursor) => ManifestObject;

const decoders: ReadonlyMap<string, Decoder> = new Map<string, Decoder>([
  ['v1/Namespace', decodeNamespace],
  ['v1/Pod', decodePod],
  ['v1/Service', decodeService],
  ['v1/Endpoints', decodeEndpoints],
  ['v1/Node', decodeNode],
  ['discovery.k8s.io/v1/EndpointSlice', decodeEndpointSlice],
  ['discovery.k8s.io/v1beta1/EndpointSlice', decodeEndpointSlice],
  ['networking.k8s.io/v1/NetworkPolicy', (object) => decodeNetworkPolicy(object, 'networking.k8s.io/v1')],
  ['extensions/v1beta1/NetworkPolicy', (object) => decodeNetworkPolicy(object, 'extensions/v1beta1')],
  ...workloadKinds.flatMap((kind) =>
    workloadVersions[kind].map((version): [string, Decoder] => [
      `${version}/${kind}`,
      (object) => decodeWorkload(object, kind),
    ]),
  ),
]);

/** Undefined: not a kind that matters here. Whatever is wrong with the object is reported at the cursor. */
export function decodeObject(object: Cursor, apiVersion: string, kind: string): ManifestObject | undefined {
  const decode = decoders.get(`${apiVersion}/${kind}`);
  if (decode) return decode(object);
  const meant = misspelt(apiVersion, kind);
  if (meant) {
    object.error({
      code: 'KIND_UNKNOWN',
      message: `no matches for kind ${JSON.stringify(kind)} in version ${JSON.stringify(apiVersion)}`,
      hint: `Did you mean \`apiVersion: ${meant.apiVersion}\` with \`kind: ${meant.kind}\`?`,
    });
  }
  return undefined;
}

/**
 * What was probably meant by a kind that looks like one of ours but isn't: to skip it silently would lose a policy.
 * Kinds that other API groups call the same (projectcalico.org NetworkPolicy, Knative Service) are none of ours.
 */
function misspelt(apiVersion: string, kind: string): { apiVersion: string; kind: string } | undefined {
  const known = [...decoders.keys()].map((key) => {
    const slash = key.lastIndexOf('/');
    return { apiVersion: key.slice(0, slash), kind: key.slice(slash + 1) };
  });
  const sameKind = known.filter((candidate) => candidate.kind === kind);
  if (sameKind.length > 0) {
    const versions = sameKind.map((candidate) => candidate.apiVersion);
    const near = closest(apiVersion, versions);
    const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
    const isBuiltIn = !group.includes('.') || group.endsWith('.k8s.io');
    return near !== undefined || isBuiltIn ? { apiVersion: near ?? versions[0] ?? '', kind } : undefined;
  }
  const sameVersion = known.filter((candidate) => candidate.apiVersion === apiVersion);
  const near = closest(
    kind,
    sameVersion.map((candidate) => candidate.kind),
  );
  return near === undefined ? undefined : { apiVersion, kind: near };
}

function decodeNamespace(object: Cursor): NamespaceManifest {
  return { kind: 'Namespace', ...decodeMetadata(object, { namespaced: false, name: 'label' }) };
}

/** The cluster that a run is about, looked at once: its nodes and the address families of its pods. */
import { BulkheadError, failure } from '../../errors.ts';
import type { KubernetesClient, RawObject } from '../../kubernetes/client.ts';
import { nodes, type Resource } from '../../kubernetes/resource.ts';
import { asFields, asList, asText } from '../../kubernetes/untyped.ts';
import { parseAddress, parseCidr, type Address, type IpFamily } from '../../objects/ip.ts';
import type { Stack } from '../case.ts';

export interface TargetNode {
  readonly name: string;
  /** As its label says, by which pods are put there. */
  readonly hostname: string;
  readonly addresses: readonly Address[];
}

/** Those that take any pod, by name. Throws BulkheadError CONFORMANCE_NO_NODE. */
export async function usableNodes(client: KubernetesClient): Promise<readonly TargetNode[]> {
  const { items } = await client.list(nodes);
  const found = items
    .filter(isUsable)
    .map(targetNode)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  if (found.length > 0) return found;
  throw new BulkheadError(
    failure('CONFORMANCE_NO_NODE', 'no node of the cluster takes pods', {
      hint: 'See `kubectl get nodes`: at least one must be ready and neither cordoned nor tainted.',
    }),
  );
}

function isUsable(node: RawObject): boolean {
  const spec = asFields(node['spec']);
  const conditions = asList(asFields(node['status'])?.['conditions']).map(asFields);
  const keepsAway = asList(spec?.['taints']).some(
    (taint) => asFields(taint)?.['effect'] !== 'PreferNoSchedule',
  );
  const isReady = conditions.some((one) => one?.['type'] === 'Ready' && one['status'] === 'True');
  return isReady && !keepsAway && spec?.['unschedulable'] !== true;
}

function targetNode(node: RawObject): TargetNode {
  const metadata = asFields(node['metadata']);
  const name = asText(metadata?.['name']) ?? '';
  return {
    name,
    hostname: asText(asFields(metadata?.['labels'])?.['kubernetes.io/hostname']) ?? name,
    addresses: asList(asFields(node['status'])?.['addresses']).flatMap((entry) => {
      const fields = asFields(entry);
      return fields?.['type'] === 'InternalIP' ? (parseAddress(asText(fields['address']) ?? '') ?? []) : [];
    }),
  };
}

const services: Resource = { group: '', version: 'v1', plural: 'services' };

/** By the ranges of its nodes, or where there are none, as with some CNIs, by what its Services can have. */
export async function podStack(client: KubernetesClient): Promise<Stack> {
  const { items } = await client.list(nodes);
  const ranges = items.flatMap((node) => asList(asFields(node['spec'])?.['podCIDRs']));
  const families = new Set(ranges.flatMap((text) => parseCidr(asText(text) ?? '')?.family ?? []));
  if (families.size === 0) {
    const { spec } = await client.get(services, { namespace: 'default', name: 'kubernetes' });
    for (const family of asList(asFields(spec)?.['ipFamilies'])) families.add(family === 'IPv6' ? 6 : 4);
  }
  return stackOf([...families]);
}

/** In whatever order the families are. */
function stackOf(families: readonly IpFamily[]): Stack {
  if (families.length > 1) return 'dual';
  return families[0] === 6 ? 'ipv6' : 'ipv4';
}

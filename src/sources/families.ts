/** Which IP families the cluster behind the manifests has. */
import type { ManifestObject } from '../objects/manifest.ts';
import type { IpFamily } from '../objects/ip.ts';

/**
 * Those of the addresses of pods and Services, and of the ranges that these are from; else those of the nodes; IPv4
 * where no address is told.
 */
export function familiesOf(objects: ReadonlyMap<string, ManifestObject>): readonly IpFamily[] {
  const all = [...objects.values()];
  const [inner, outer] = [all.flatMap(podNetworkFamilies), all.flatMap(nodeFamilies)];
  const told = new Set(inner.length > 0 ? inner : outer);
  return told.size === 0 ? [4] : [...told].toSorted();
}

function podNetworkFamilies(object: ManifestObject): readonly IpFamily[] {
  switch (object.kind) {
    case 'Pod':
      return object.hostNetwork ? [] : object.addresses.map(({ family }) => family);
    case 'Service':
      return [...object.clusterIPs.map(({ family }) => family), ...object.families];
    case 'Node':
      return object.podCIDRs.map(({ family }) => family);
    default:
      return [];
  }
}

/** A node may have an address of a family that its pods don't have. */
function nodeFamilies(object: ManifestObject): readonly IpFamily[] {
  switch (object.kind) {
    case 'Pod':
      return object.hostAddresses.map(({ family }) => family);
    case 'Node':
      return object.addresses.map(({ family }) => family);
    default:
      return [];
  }
}

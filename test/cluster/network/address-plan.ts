/** Which addresses the machines, pods and services of a cluster have. The same in every cluster: each has a network alone. */

export type Families = 'ipv4' | 'ipv6' | 'dual';

/** What one address family looks like. */
export interface FamilyPlan {
  readonly version: 4 | 6;
  readonly prefixLength: number;
  readonly any: string;
  readonly podRange: string;
  readonly serviceRange: string;
  /** Of the Service `kubernetes`: the first one of the range. */
  readonly apiService: string;
  readonly controlPlane: string;
  /** @param index from 1 */
  node(index: number): string;
  nodePodRange(index: number): string;
}

const ipv4: FamilyPlan = {
  version: 4,
  prefixLength: 24,
  any: '0.0.0.0/0',
  podRange: '10.244.0.0/16',
  serviceRange: '10.96.0.0/16',
  apiService: '10.96.0.1',
  controlPlane: '10.77.0.1',
  node: (index) => `10.77.0.${10 + index}`,
  nodePodRange: (index) => `10.244.${index}.0/24`,
};

const ipv6: FamilyPlan = {
  version: 6,
  prefixLength: 64,
  any: '::/0',
  podRange: 'fd44::/48',
  serviceRange: 'fd96::/112',
  apiService: 'fd96::1',
  controlPlane: 'fd77::1',
  node: (index) => `fd77::1:${index.toString(16)}`,
  nodePodRange: (index) => `fd44:0:0:${index.toString(16)}::/64`,
};

/** The first one is the cluster's primary family. */
export function familyPlans(families: Families): readonly [FamilyPlan, ...FamilyPlan[]] {
  return { ipv4: [ipv4] as const, ipv6: [ipv6] as const, dual: [ipv4, ipv6] as const }[families];
}

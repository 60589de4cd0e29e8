/** How a node's pods get their interfaces and addresses. */
import type { FamilyPlan } from '../network/address-plan.ts';

/** `ptp`: each pod has a link of its own to the node, which routes. `bridge`: a node's pods share a bridge. */
export type Cni = 'ptp' | 'bridge';

export const cniKinds: readonly Cni[] = ['ptp', 'bridge'];

/** From the Debian package containernetworking-plugins. */
export const pluginFolder = '/usr/lib/cni';

/** The content of a file of /etc/cni/net.d. */
export function cniConfiguration(cni: Cni, plans: readonly FamilyPlan[], nodeIndex: number): string {
  const ipam = {
    type: 'host-local',
    ranges: plans.map((plan) => [{ subnet: plan.nodePodRange(nodeIndex) }]),
    routes: plans.map((plan) => ({ dst: plan.any })),
  };
  const main = {
    ptp: { type: 'ptp', ipMasq: false, ipam },
    bridge: { type: 'bridge', bridge: 'cni0', isGateway: true, ipMasq: false, hairpinMode: true, ipam },
  }[cni];
  return JSON.stringify({ cniVersion: '1.0.0', name: 'pods', plugins: [main] }, undefined, 2);
}

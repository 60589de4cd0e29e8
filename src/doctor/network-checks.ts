/** How the node's pods are linked to it, and whether the agent sees what they send. */
import { readPodNetwork } from '../agent/pod-network.ts';
import type { PodNetwork } from '../agent/pod-network.ts';
import { cidrContains } from '../objects/ip.ts';
import type { Node, Pod } from '../objects/model.ts';
import { isPolicyPod } from '../policy/holder.ts';
import type { Finding } from './finding.ts';
import { interfaceTowards } from './node-network.ts';
import type { NodeNetwork } from './node-network.ts';

export interface NetworkQuestion {
  readonly podInterfaces: string;
  readonly cniDirectory: string;
  /** As the API server has it, if it could be asked. */
  readonly node: Node | undefined;
  /** Those of this node. */
  readonly pods: readonly Pod[];
}

/** `bridgeSettings`: /proc/sys/net/bridge of the node. */
export function checkNetwork(
  question: NetworkQuestion,
  network: NodeNetwork,
  bridgeSettings?: string,
): readonly Finding[] {
  const { podInterfaces, cniDirectory, node, pods } = question;
  const podNetwork = readPodNetwork({ podInterfaces, cniDirectory, startup: 'strict' }, bridgeSettings);
  if (node) podNetwork.know(node);
  const own = pods.filter((pod) => isPolicyPod(pod) && pod.addresses.length > 0);
  return [
    checkCni(podNetwork),
    ...(own.length > 0 ? [checkInterfaces(podNetwork, own, network)] : []),
    ...(node ? [checkRanges(node, own)] : []),
    checkTranslation(network),
  ];
}

function checkCni(podNetwork: PodNetwork): Finding {
  const { file, plugins } = podNetwork.shape;
  const { ok, message } = podNetwork.condition();
  const result = file === undefined ? message : `${file} (${plugins.join(', ')}): ${message}`;
  if (!ok) return { check: 'CNI', state: 'problem', result };
  if (podNetwork.prefix !== undefined) return { check: 'CNI', state: 'ok', result };
  const advice =
    'Say it by --pod-interfaces (agent.podInterfaces): what `ip link` on the node shows for pods.';
  return { check: 'CNI', state: 'warning', result, advice };
}

/** Whether the pods that are there are where new ones are expected. */
function checkInterfaces({ prefix }: PodNetwork, pods: readonly Pod[], network: NodeNetwork): Finding {
  const check = 'pod interfaces';
  const used = new Map<string, Pod>();
  for (const pod of pods) {
    for (const address of pod.addresses) used.set(interfaceTowards(network, address) ?? 'none', pod);
  }
  const names = [...used.keys()].toSorted();
  const shown =
    names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ');
  const other = names.find((name) => prefix !== undefined && !name.startsWith(prefix));
  if (other === undefined) return { check, state: 'ok', result: `${pods.length} pods by ${shown}` };
  return {
    check,
    state: 'problem',
    result: `packets to pod ${used.get(other)?.key} leave by ${other}, not by ${prefix}…: new pods are not closed by their interface`,
    advice: 'Name what pods’ interfaces begin with by --pod-interfaces (agent.podInterfaces), or none.',
  };
}

function checkRanges({ name, podCIDRs, addresses }: Node, pods: readonly Pod[]): Finding {
  const check = 'pod ranges';
  if (podCIDRs.length === 0)
    return {
      check,
      state: 'warning',
      result: `Node ${name} has no podCIDRs: addresses that no pod has (yet) are not closed`,
      advice:
        'Where the CNI gives out addresses by itself, pods’ interfaces must be known, or the gate installed.',
    };
  const ranges = podCIDRs.map(({ text }) => text).join(', ');
  const families = new Set(podCIDRs.map(({ family }) => family));
  const missing = addresses.find(({ family }) => !families.has(family));
  const stray = pods.find((pod) =>
    pod.addresses.some((one) => !podCIDRs.some((range) => cidrContains(range, one))),
  );
  if (stray)
    return {
      check,
      state: 'warning',
      result: `pod ${stray.key} has an address outside of the Node's ${ranges}: such addresses are not closed before they are known`,
      advice:
        'Where the CNI gives out addresses by itself, pods’ interfaces must be known, or the gate installed.',
    };
  const only = missing ? `; pods have no IPv${missing.family}, the node has` : '';
  return { check, state: 'ok', result: `${ranges}: addresses in it that no pod has are closed${only}` };
}

/** Policies speak of pods: they must be judged after a Service's address has become that of a pod. */
function checkTranslation({ ipvs, interfaces }: NodeNetwork): Finding {
  const check = 'translation';
  if (ipvs)
    return {
      check,
      state: 'problem',
      result: 'IPVS translates Services after the hooks at which policies are judged',
      advice: 'Run kube-proxy in its nftables or iptables mode.',
    };
  if (interfaces.includes('cilium_host'))
    return {
      check,
      state: 'warning',
      result:
        'Cilium is here: its programs may translate addresses, and pass packets on, before any hook sees them',
      advice: 'Enforce with one of the two; with Cilium as the CNI that is Cilium.',
    };
  return { check, state: 'ok', result: 'nothing translates addresses where policies would not see it' };
}

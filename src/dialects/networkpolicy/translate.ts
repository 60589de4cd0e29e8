/**
 * networking.k8s.io/v1 NetworkPolicy (and its predecessor extensions/v1beta1) → IR: one tier in which all rules allow
 * and whoever is selected is denied the rest.
 */
import type {
  LabelSelector,
  NetworkPolicy,
  NetworkPolicyPeer,
  NetworkPolicyPort,
  NetworkPolicyRule,
} from '../../objects/model.ts';
import { networkPolicyTier } from '../../policy/ir.ts';
import type {
  Direction,
  NamespaceMatch,
  Origin,
  Peer,
  Policy,
  PortMatch,
  Rule,
  Section,
} from '../../policy/ir.ts';

const allPods: LabelSelector = { matchLabels: {}, matchExpressions: [] };

/** Expects a defaulted and validated policy. A direction that `policyTypes` doesn't name has no section. */
export function translateNetworkPolicy(policy: NetworkPolicy): Policy {
  return {
    id: `NetworkPolicy/${policy.key}`,
    tier: networkPolicyTier,
    order: 0,
    subject: { namespaces: { kind: 'name', name: policy.namespace }, pods: policy.podSelector },
    ...(policy.policyTypes.includes('Ingress') ? { ingress: section(policy, 'ingress') } : {}),
    ...(policy.policyTypes.includes('Egress') ? { egress: section(policy, 'egress') } : {}),
  };
}

function section(policy: NetworkPolicy, direction: Direction): Section {
  const { namespace, name, position } = policy;
  const origin: Origin = { dialect: 'NetworkPolicy', namespace, name, direction, position };
  const rules = policy[direction].map((rule, ruleIndex) =>
    translateRule(rule, namespace, { ...origin, ruleIndex, position: rule.position }),
  );
  return { rules, default: 'deny', origin };
}

function translateRule(rule: NetworkPolicyRule, namespace: string, origin: Origin): Rule {
  return {
    origin,
    action: 'allow',
    peers: rule.peers.length === 0 ? 'any' : rule.peers.flatMap((peer) => translatePeer(peer, namespace)),
    ports: rule.ports.length === 0 ? 'any' : rule.ports.map(translatePort),
  };
}

/** A peer that names nothing, which validation refuses, becomes no peer at all: it must not match everything. */
function translatePeer(peer: NetworkPolicyPeer, namespace: string): readonly Peer[] {
  const { podSelector, namespaceSelector, ipBlock, position } = peer;
  if (ipBlock) return [{ kind: 'ipBlock', cidr: ipBlock.cidr, except: ipBlock.except, position }];
  if (!podSelector && !namespaceSelector) return [];
  const namespaces: NamespaceMatch = namespaceSelector
    ? { kind: 'selector', selector: namespaceSelector }
    : { kind: 'name', name: namespace };
  return [{ kind: 'pods', namespaces, pods: podSelector ?? allPods, position }];
}

function translatePort({ protocol, port, endPort, position }: NetworkPolicyPort): PortMatch {
  if (port === undefined) return { kind: 'all', protocol, position };
  if (typeof port === 'string') return { kind: 'named', protocol, name: port, position };
  return { kind: 'range', protocol, from: port, to: endPort ?? port, position };
}

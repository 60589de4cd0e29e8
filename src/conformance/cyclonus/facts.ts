/**
 * The meaning of the Cyclonus cases, said a second time and without any of Bulkhead's code: peers and ports carry
 * beside their YAML a predicate written by hand, and what a policy allows is worked out here from the predicates alone.
 * So the truth tables of the generated cases depend neither on the decoder nor on selectors, prefixes or an engine.
 */

export const protocols = ['TCP', 'UDP', 'SCTP'] as const;
export type ProtocolName = (typeof protocols)[number];

/** A pod as selectors see it. */
export interface PodFacts {
  /** `namespace/name` */
  readonly key: string;
  readonly namespace: string;
  /** Values of the namespace's labels `ns` and `new-ns`, `ns2`. */
  readonly namespaceLabels: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
}

export interface PortFacts {
  readonly protocol: ProtocolName;
  readonly port: number;
}

/** The primary or the secondary family of a cluster with two. */
export type Over = 'primary' | 'secondary';

export interface Peer {
  readonly title: string;
  readonly yaml: unknown;
  readonly includes: (pod: PodFacts, about: { readonly namespace: string; readonly over: Over }) => boolean;
}

export interface Port {
  readonly yaml: unknown;
  readonly opens: (port: PortFacts) => boolean;
}

/** Absent or empty: any. */
export interface Rule {
  readonly peers?: readonly Peer[];
  readonly ports?: readonly Port[];
}

export interface Target {
  readonly title: string;
  readonly yaml: unknown;
  readonly selects: (pod: PodFacts) => boolean;
}

/** A direction without rules is not isolated; one with no rules in its list is closed. */
export interface Policy {
  readonly namespace: string;
  readonly name: string;
  readonly target: Target;
  readonly ingress?: readonly Rule[];
  readonly egress?: readonly Rule[];
}

export interface Attempt {
  readonly from: PodFacts;
  readonly to: PodFacts;
  readonly port: PortFacts;
  readonly over: Over;
}

export function isAllowed(policies: readonly Policy[], attempt: Attempt): boolean {
  const { from, to } = attempt;
  return (
    isAllowedBy(policies, { ...attempt, direction: 'egress', subject: from, peer: to }) &&
    isAllowedBy(policies, { ...attempt, direction: 'ingress', subject: to, peer: from })
  );
}

function isAllowedBy(
  policies: readonly Policy[],
  half: Attempt & { direction: 'ingress' | 'egress'; subject: PodFacts; peer: PodFacts },
): boolean {
  const { direction, subject, peer, port, over } = half;
  const isolating = policies.filter(
    (policy) =>
      policy[direction] !== undefined &&
      policy.namespace === subject.namespace &&
      policy.target.selects(subject),
  );
  if (isolating.length === 0) return true;
  return isolating.some(({ namespace, ...policy }) =>
    policy[direction]?.some(
      ({ peers = [], ports = [] }) =>
        (peers.length === 0 || peers.some((one) => one.includes(peer, { namespace, over }))) &&
        (ports.length === 0 || ports.some((one) => one.opens(port))),
    ),
  );
}

/** The policy's spec as it stands in a manifest. */
export function specOf({ target, ingress, egress }: Policy): Readonly<Record<string, unknown>> {
  const list = (rules: readonly Rule[], peers: 'from' | 'to') =>
    rules.map((rule) => ({
      ...(rule.peers ? { [peers]: rule.peers.map(({ yaml }) => yaml) } : {}),
      ...(rule.ports ? { ports: rule.ports.map(({ yaml }) => yaml) } : {}),
    }));
  return {
    podSelector: target.yaml,
    policyTypes: [...(ingress ? ['Ingress'] : []), ...(egress ? ['Egress'] : [])],
    ...(ingress ? { ingress: list(ingress, 'from') } : {}),
    ...(egress ? { egress: list(egress, 'to') } : {}),
  };
}

/** A sanity check of what was read: what it holds, what the policies isolate, and what probably isn't meant so. */
import { warning, type Diagnostic, type Position } from '../errors.ts';
import type { Cluster, Pod } from '../objects/model.ts';
import { describePeer } from '../policy/describe.ts';
import { isPolicyPod } from '../policy/holder.ts';
import type { Direction, Peer, Policy, PortMatch, Rule } from '../policy/ir.ts';
import { matchesNamespace, matchesPeers, matchesPod, namedPorts } from '../policy/match.ts';
import { withAssumedDns } from '../sources/cluster-dns.ts';

const directions: readonly Direction[] = ['ingress', 'egress'];

export interface CheckedPolicy {
  /** `namespace/name`. */
  readonly policy: string;
  readonly position: Position;
  /** Directions in which it isolates the pods it selects. */
  readonly isolates: readonly Direction[];
  /** Number of rules, of both directions. */
  readonly rules: number;
  /** Number of pods that it selects. */
  readonly pods: number;
  /** Their workloads, `namespace/name`, sorted. */
  readonly workloads: readonly string[];
  /** It selects every pod of its namespace. */
  readonly selectsAll: boolean;
}

export interface CheckReport {
  /** Number of objects that were read, by kind. */
  readonly objects: Readonly<Record<string, number>>;
  /** Number of objects of kinds that say nothing about the network, by `apiVersion/Kind`. */
  readonly skipped: Readonly<Record<string, number>>;
  /** Pods that the controllers make of them. */
  readonly pods: number;
  /** Those of them that policies can select: they run, with an address of their own. */
  readonly selectable: number;
  readonly policies: readonly CheckedPolicy[];
  /** Workloads (`namespace/name`) that no policy isolates in the direction: anybody may reach them, they may reach anybody. */
  readonly open: Readonly<Record<Direction, readonly string[]>>;
  readonly warnings: readonly Diagnostic[];
}

interface CheckInput {
  readonly cluster: Cluster;
  /** What is not in the input is not there. Otherwise the cluster's DNS is, which hardly any manifests bring. */
  readonly isWhole: boolean;
  readonly policies: readonly Policy[];
  readonly manifests: {
    /** Keyed by `Kind/namespace/name`. */
    readonly objects: ReadonlyMap<string, unknown>;
    readonly diagnostics: readonly Diagnostic[];
    readonly skipped: ReadonlyMap<string, number>;
  };
}

export function check({ cluster, isWhole, policies, manifests }: CheckInput): CheckReport {
  const pods = policyPodsOf(cluster);
  const isolated: Record<Direction, Set<Pod>> = { ingress: new Set(), egress: new Set() };
  const lints = lintPolicies(isWhole ? cluster : withAssumedDns(cluster), policies);
  const warnings = [...manifests.diagnostics, ...lints];
  const checked = policies.map((policy) => {
    const subjects = pods.filter((pod) => matchesPod(cluster, policy.subject, pod));
    const isolates = directions.filter((direction) => policy[direction]?.default === 'deny');
    for (const direction of isolates) for (const pod of subjects) isolated[direction].add(pod);
    return report(policy, isolates, { pods, subjects });
  });
  const open = (direction: Direction): string[] =>
    workloadsOf(pods.filter((pod) => !isolated[direction].has(pod)));
  return {
    objects: sorted(countBy([...manifests.objects.keys()].map((key) => key.slice(0, key.indexOf('/'))))),
    skipped: sorted(manifests.skipped),
    pods: cluster.pods.size,
    selectable: pods.length,
    policies: checked,
    open: { ingress: open('ingress'), egress: open('egress') },
    warnings,
  };
}

/** Warns of what selects nothing in the cluster: policies, peers and port names. */
export function lintPolicies(cluster: Cluster, policies: readonly Policy[]): readonly Diagnostic[] {
  const pods = policyPodsOf(cluster);
  return policies.flatMap((policy) => {
    const subjects = pods.filter((pod) => matchesPod(cluster, policy.subject, pod));
    return lint(cluster, policy, { pods, subjects });
  });
}

function policyPodsOf(cluster: Cluster): readonly Pod[] {
  return [...cluster.pods.values()].filter(isPolicyPod);
}

function report(policy: Policy, isolates: readonly Direction[], { pods, subjects }: Selected): CheckedPolicy {
  const sections = directions.flatMap((direction) => policy[direction] ?? []);
  const [first] = sections;
  if (!first) throw new Error(`policy ${policy.id} has neither direction`);
  return {
    policy: `${first.origin.namespace}/${first.origin.name}`,
    position: first.origin.position,
    isolates,
    rules: sections.reduce((count, section) => count + section.rules.length, 0),
    pods: subjects.length,
    workloads: workloadsOf(subjects),
    selectsAll: pods.every((pod) => pod.namespace !== first.origin.namespace || subjects.includes(pod)),
  };
}

interface Selected {
  readonly pods: readonly Pod[];
  readonly subjects: readonly Pod[];
}

/** What selects nothing today is either too early or a typo, and a typo in a policy is a breach or an outage. */
function lint(cluster: Cluster, policy: Policy, { pods, subjects }: Selected): Diagnostic[] {
  const sections = directions.flatMap((direction) => policy[direction] ?? []);
  const [first] = sections;
  if (!first) return [];
  const name = `${first.origin.dialect} ${first.origin.namespace}/${first.origin.name}`;
  if (subjects.length === 0) {
    const { namespace, position } = first.origin;
    const isEmpty = !pods.some((pod) => pod.namespace === namespace);
    const why = isEmpty ? `: there is none in namespace ${namespace}` : '';
    const hint = isEmpty
      ? 'Check the spelling of its metadata.namespace, and that the manifests of the pods are among the input.'
      : `Compare its podSelector with the labels of the pods in namespace ${namespace}.`;
    return [warning('POLICY_SELECTS_NOTHING', `${name} selects no pod${why}`, { hint, position })];
  }
  return sections.flatMap(({ rules }) =>
    rules.flatMap((rule) => [
      ...listOf(rule.peers).flatMap((peer) => lintPeer(cluster, peer, { name, pods })),
      ...listOf(rule.ports).flatMap((port) => lintPort(cluster, { rule, port, name }, { pods, subjects })),
    ]),
  );
}

function lintPeer(
  cluster: Cluster,
  peer: Peer,
  { name, pods }: { name: string; pods: readonly Pod[] },
): Diagnostic[] {
  if (peer.kind === 'ipBlock') return lintBlock(cluster, peer, name);
  if (pods.some((pod) => matchesPod(cluster, peer, pod))) return [];
  const hint = pods.some(({ namespace }) => matchesNamespace(cluster, peer.namespaces, namespace))
    ? 'Compare the selector with the labels of the pods and namespaces that are meant.'
    : 'No pod of such a namespace is in the input: check its labels, or give the manifests of its pods, too.';
  const message = `a peer of ${name} selects no pod: ${describePeer(peer)}`;
  return [warning('PEER_SELECTS_NOTHING', message, { hint, position: peer.position })];
}

/** `::/0` beside `0.0.0.0/0` says everybody, and is no mistake in a cluster of one family. */
function lintBlock(
  { families }: Cluster,
  { cidr, position }: Extract<Peer, { kind: 'ipBlock' }>,
  name: string,
): Diagnostic[] {
  if (cidr.prefixLength === 0 || families.includes(cidr.family)) return [];
  const message = `a peer of ${name} matches nothing: ${cidr.text} is IPv${cidr.family}, and nobody here has such an address`;
  const hint = 'If the cluster has both families, ask with --ip-family dual.';
  return [warning('PEER_SELECTS_NOTHING', message, { hint, position })];
}

interface RulePort {
  readonly rule: Rule;
  readonly port: PortMatch;
  readonly name: string;
}

/** A named port is looked up on the destination: the subjects on ingress, the peers on egress. */
function lintPort(
  cluster: Cluster,
  { rule, port, name }: RulePort,
  { pods, subjects }: Selected,
): Diagnostic[] {
  if (port.kind !== 'named') return [];
  const destinations =
    rule.origin.direction === 'ingress'
      ? subjects
      : pods.filter((pod) =>
          pod.addresses.some((address) => matchesPeers(cluster, rule.peers, { kind: 'pod', address, pod })),
        );
  if (destinations.some((pod) => namedPorts(pod, port).length > 0)) return [];
  const message = `port "${port.name}" (${port.protocol}) of ${name} is declared by no container that the rule leads to`;
  const hint = 'Compare it with the names under containers[].ports of those pods.';
  return [warning('PORT_NAME_UNKNOWN', message, { hint, position: port.position })];
}

function listOf<Item>(items: 'any' | readonly Item[]): readonly Item[] {
  return items === 'any' ? [] : items;
}

function workloadsOf(pods: readonly Pod[]): string[] {
  return [...new Set(pods.map((pod) => `${pod.namespace}/${pod.owner?.name ?? pod.name}`))].toSorted();
}

function countBy(keys: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}

function sorted(counts: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...counts].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * Advisories and bugs by which policies of other implementations were got round, known to us: each is what some attack
 * stands for, or is held by tests, or can't be here for the reason that is given.
 */
export interface KnownBug {
  /** As attacks name what they stand for. */
  readonly ids: readonly string[];
  readonly bug: string;
  /** Absent: an attack stands for each of the ids. */
  readonly instead?: Instead;
}

export type Instead =
  { readonly tests: readonly string[]; readonly why: string } | { readonly cannotApply: string };

export interface KnownProject {
  readonly project: string;
  readonly bugs: readonly KnownBug[];
}

const attacked = (bug: string, ...ids: readonly string[]): KnownBug => ({ ids, bug });
const cannotApply = (bug: string, reason: string, ...ids: readonly string[]): KnownBug => ({
  ids,
  bug,
  instead: { cannotApply: reason },
});
const tested = (
  bug: string,
  { why, by }: { readonly why: string; readonly by: readonly string[] },
  ...ids: readonly string[]
): KnownBug => ({ ids, bug, instead: { tests: by, why } });

const noEncryption = 'Bulkhead does not encrypt, nor does it claim to';
const noProxy = 'no L7 rules, no proxy';

const cilium: readonly KnownBug[] = [
  attacked('an ICMP echo request rides on a conntrack entry', 'GHSA-c66w-hq56-4q97'),
  attacked("labels of a pod pass for its namespace's", 'GHSA-pfhr-pccp-hwmh', 'CVE-2023-39347'),
  attacked('DoesNotExist on a reserved label crosses namespaces', 'CVE-2023-41333'),
  attacked('an IPv6 source behind a NodePort is taken for the host', 'CVE-2023-27594'),
  attacked('programs are detached while the agent restarts', 'CVE-2023-27595'),
  tested(
    'sockets and objects of the agent that others may use',
    {
      why: "sockets and pins are 0600 and root's",
      by: ['test/lab/request-server.test.ts', 'test/agent/agent.test.ts', 'test/datapath/lifecycle.test.ts'],
    },
    'CVE-2022-29178',
    'CVE-2022-29179',
  ),
  attacked(
    'merged rules allow more than each of them',
    'CVE-2023-30851',
    'CVE-2024-28248',
    'CVE-2024-52529',
    'CVE-2026-33726',
  ),
  attacked('a race at the start of the agent', 'CVE-2024-42488'),
  attacked('a denied block is ignored beside a narrower one that is allowed', 'CVE-2024-47825'),
  attacked('an empty group becomes no condition', 'CVE-2025-64715', 'CVE-2026-56743'),
  attacked('a restart forgets which blocks an address is in', 'cilium/cilium PR 47880'),
  attacked('NotIn of a namespace selector selects the outside', 'cilium/cilium#46949'),
  attacked('values of matchExpressions are dropped', 'cilium/cilium PR 46253'),
  attacked('a full policy map drops entries silently', 'cilium/cilium#28450', 'cilium/cilium#46189'),
  cannotApply(
    "egress is not judged through a gateway's load balancer",
    'no load balancer of its own: packets are judged after whoever has chosen a backend, as in the campaign of Services',
    'CVE-2025-30162',
  ),
  cannotApply(
    'fromNodes matches what is no node',
    'NetworkPolicy has no peer that is a node',
    'CVE-2025-30163',
  ),
  cannotApply(
    'traffic that should have been encrypted is not',
    noEncryption,
    'CVE-2024-25630',
    'CVE-2024-25631',
    'CVE-2024-28249',
    'CVE-2024-28250',
    'CVE-2024-28860',
    'CVE-2025-32793',
  ),
  cannotApply(
    'host policies are not enforced with WireGuard',
    'no host policies: a node is judged as a peer of pods; no encryption',
    'CVE-2026-26963',
  ),
  cannotApply(
    "a redirect policy takes over another namespace's Service",
    'no such policies',
    'CVE-2026-53935',
  ),
  cannotApply('the DNS proxy is brought down', noProxy, 'CVE-2025-23028'),
  cannotApply('annotations bring the agent down', 'the agent reads no annotations', 'CVE-2023-41332'),
  cannotApply('the admin socket of Envoy is open', noProxy, 'CVE-2026-49445'),
];

const calico: readonly KnownBug[] = [
  attacked('rogue IPv6 router advertisements', 'CVE-2020-13597'),
  attacked(
    'connections survive the policy that forbids them',
    'projectcalico/calico#2759',
    'projectcalico/calico#6399',
  ),
  cannotApply(
    'an installer with SUID',
    'nothing is installed with SUID or with file capabilities',
    'CVE-2024-33522',
  ),
  cannotApply(
    'a TLS handshake brings the fan-out server down',
    'no server between agents and the API; the agent serves no TLS',
    'CVE-2023-41378',
  ),
  tested(
    'secrets in logs',
    {
      why: 'errors and messages hold no credential',
      by: ['test/kubernetes/connection.test.ts', 'test/kubernetes/exec.test.ts'],
    },
    'CVE-2026-41184',
    'CVE-2026-41185',
    'CVE-2026-6720',
  ),
];

const antrea: readonly KnownBug[] = [
  attacked('a number of 16 bits overflows', 'CVE-2026-25804'),
  attacked('overlapping blocks and ports race', 'antrea-io/antrea#386'),
  attacked('a deny-all egress policy is not enforced', 'antrea-io/antrea#574'),
  attacked('the address of a completed pod is used again', 'antrea-io/antrea#6507'),
  attacked("ARP says that an address is somebody else's", 'antrea-io/antrea#200'),
  cannotApply('traffic that should have been encrypted is not', noEncryption, 'CVE-2026-34992'),
];

const kubeRouter: readonly KnownBug[] = [
  attacked('externalIPs are trusted', 'CVE-2026-32254'),
  attacked('completed pods keep their rules', 'cloudnativelabs/kube-router#1056'),
  attacked('a set keeps addresses of pods that are gone', 'cloudnativelabs/kube-router#2059'),
  attacked('a rule whose peers match nobody lets everybody in', 'cloudnativelabs/kube-router#85'),
  attacked('matchExpressions are ignored', 'cloudnativelabs/kube-router#614'),
  attacked('a race at the start', 'cloudnativelabs/kube-router#873', 'cloudnativelabs/kube-router#1309'),
  tested(
    'a pod without an address stops all updates',
    {
      why: 'a pod has no rows before it has an address',
      by: ['test/fuzz/fuzz.test.ts', 'test/sources/api/objects.test.ts'],
    },
    'cloudnativelabs/kube-router#378',
  ),
  tested(
    'with two families one of them is lost',
    {
      why: 'the corpus on both families',
      by: ['test/conformance/engines.test.ts', 'test/e2e/conformance.test.ts'],
    },
    'k3s-io/k3s#10053',
  ),
  cannotApply(
    'the API of the BGP daemon asks for no password',
    'no BGP, no API on the network',
    'GHSA-v5mh-h5hx-7v92',
  ),
];

const aws: readonly KnownBug[] = [
  attacked(
    'named target ports',
    'aws-network-policy-controller PR 210',
    'aws-network-policy-controller PR 223',
  ),
  attacked('a race at the start', 'aws-network-policy-agent#83', 'aws-network-policy-agent#271'),
  attacked('a port that is used again meets an old conntrack entry', 'aws-network-policy-agent#462'),
  attacked("two pods of a node overwrite each other's conntrack entry", 'aws-network-policy-agent PR 102'),
  attacked(
    'overlapping blocks and excepts inherit the wrong ports',
    'aws-network-policy-agent#180',
    'aws-network-policy-agent PR 347',
    'aws-network-policy-agent#58',
    'aws-network-policy-agent#609',
  ),
  tested(
    'replies to allowed connections are denied',
    {
      why: 'a reply is judged as the flow that it answers',
      by: ['test/datapath/network.test.ts', 'test/datapath/guards.test.ts', 'test/e2e/conformance.test.ts'],
    },
    'aws-network-policy-agent#345',
    'aws-network-policy-agent#186',
  ),
];

const others: readonly KnownBug[] = [
  attacked(
    'Azure NPM: the address of a succeeded pod',
    'Azure/azure-container-networking#428',
    'Azure/azure-container-networking#562',
  ),
  attacked('Azure NPM: overlapping excepts', 'Azure/azure-container-networking#558'),
  attacked('Azure NPM: NotIn of several values as OR', 'Azure/azure-container-networking PR 4866'),
  attacked('Weave: rogue IPv6 router advertisements', 'CVE-2020-11091'),
  attacked('Weave: updates of pods out of order', 'weaveworks/weave#3177'),
  attacked('Weave: conntrack remembers a pod that is gone', 'weaveworks/weave#2618'),
  attacked(
    'OVN-Kubernetes: an except is a deny',
    'ovn-org/ovn-kubernetes#845',
    'ovn-org/ovn-kubernetes PR 1674',
  ),
  attacked('ingress-node-firewall: later fragments pass', 'openshift/ingress-node-firewall PR 730'),
  tested(
    'labels of namespaces and pods that change are not followed',
    {
      why: 'cases e2e-21, e2e-22, e2e-24 and corner-42 on every engine, and random changes',
      by: ['test/conformance/engines.test.ts', 'test/compiler/live/live-compiler.test.ts'],
    },
    'ovn-org/ovn-kubernetes PR 389',
    'kubeovn/kube-ovn#1920',
  ),
  tested(
    'an except takes away what a selector allows',
    { why: 'case corner-10', by: ['test/conformance/engines.test.ts'] },
    'kubeovn/kube-ovn PR 5813',
  ),
];

const kubernetes: readonly KnownBug[] = [
  attacked('rogue IPv6 router advertisements through CNI plugins', 'CVE-2020-10749'),
  attacked('route_localnet opens 127.0.0.1', 'CVE-2020-8558'),
  attacked('a Service takes traffic to addresses outside', 'CVE-2020-8554'),
  attacked('Endpoints name pods of another namespace', 'CVE-2021-25740'),
  attacked('EndpointSlices name link-local addresses', 'CVE-2021-25737'),
  attacked('a namespace loses its policies before its pods', 'CVE-2024-7598'),
  attacked("ARP says that an address is somebody else's", 'CVE-2021-1677'),
  cannotApply(
    'rules of portmap come before those of others',
    'not a matter of order among rules: packets are judged in hooks after all destination NAT, as in the campaign of Services',
    'CVE-2019-9946',
  ),
  cannotApply(
    'a program that the verifier should have refused',
    'a bug of the kernel, used by who may load programs: a pod without capabilities may not',
    'CVE-2020-8835',
  ),
  cannotApply(
    'pods with hostNetwork reach what nodes reach',
    'such pods are their node, in the API as here: admission has to keep them out',
    'CVE-2026-32193',
  ),
];

export const knownProjects: readonly KnownProject[] = [
  { project: 'Cilium', bugs: cilium },
  { project: 'Calico', bugs: calico },
  { project: 'Antrea', bugs: antrea },
  { project: 'kube-router, k3s', bugs: kubeRouter },
  { project: 'AWS', bugs: aws },
  { project: 'Azure, Weave, OVN and others', bugs: others },
  { project: 'Kubernetes, CNI, the kernel', bugs: kubernetes },
];

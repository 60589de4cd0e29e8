/** The seven threats of the paper that is named in docs/security.md, and what there is against each. */
export interface Threat {
  readonly threat: string;
  /** Names of attacks. */
  readonly attacks: readonly string[];
  readonly beside: string;
}

export const threats: readonly Threat[] = [
  {
    threat: 'misconfiguration: a wrong label, a typo, a policy that was forgotten or that nobody enforces',
    attacks: [
      'lists and selectors that are empty, null or absent',
      'the peers of a rule select nobody, now or ever',
      'DoesNotExist and NotIn, of one value or several, match what has no labels at all: other namespaces, nodes, the outside',
    ],
    beside:
      'an unknown field is an error; `bulkhead check`, `matrix` and `explain` before, `bulkhead status` after: which node enforces which policy',
  },
  {
    threat: 'weak design: no default deny, more ports and peers than are needed',
    attacks: ['rules with overlapping port ranges and peers grow beyond what each of them says'],
    beside: '`bulkhead check` and `matrix` show what is open; nothing forces anybody to close it',
  },
  {
    threat: 'administrators of tenants who weaken policies',
    attacks: [
      "a Service of the attacker's namespace has a victim elsewhere as its endpoint, or the metadata service",
      "a pod has labels that look like its namespace's, or like those of another engine's inside",
    ],
    beside:
      'not yet: policies of cluster administrators (ClusterNetworkPolicy) are not read; RBAC has to do it',
  },
  {
    threat: 'privileged networking: hostNetwork, and nodes reached by their gateway address',
    attacks: [
      'a pod without egress reaches its node: by link-local address, by multicast, by broadcast',
      'a pod reaches what its node keeps on 127.0.0.1, where kube-proxy has set route_localnet',
      'a pod sends as its node, another node, the gateway, somebody outside, itself at the victim, nobody',
    ],
    beside: 'pods with hostNetwork are their node and are held by no policy: admission has to keep them out',
  },
  {
    threat: 'vulnerable implementations',
    attacks: [
      'a pod advertises itself as a router to a node that listens to such',
      'the agent is killed, and a new one takes over; one is upgraded while the old one runs; policies change meanwhile',
    ],
    beside:
      'all of this page, and [proof.md](proof.md): one definition, every engine compared with it, seeded bugs',
  },
  {
    threat: 'exploits of eBPF',
    attacks: [],
    beside:
      'programs are loaded by the agent alone, with CAP_BPF ([install.md](install.md)); a pod without capabilities can load none where kernel.unprivileged_bpf_disabled is set, as by default',
  },
  {
    threat: 'leaks of the policies themselves: API, tables in the kernel, probing',
    attacks: [],
    beside:
      'sockets and pins are 0600 and of root, at log level info no policy is told, the agent may read nothing that it does not need (`test/deploy/rights.test.ts`); who probes sees what is open to itself',
  },
];

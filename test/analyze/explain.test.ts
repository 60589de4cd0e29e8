import { describe, expect, it } from 'vitest';
import { explain } from '../../src/analyze/explain.ts';
import type { Explanation, Path } from '../../src/analyze/explain.ts';
import { BulkheadError } from '../../src/errors.ts';
import { describeOrigin } from '../../src/policy/describe.ts';
import { clusterOf } from './cluster-of.ts';

const manifests = `
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {team: sales}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: cart}}
  template:
    metadata: {labels: {app: cart}}
    spec: {containers: [{name: c, image: i, ports: [{name: http, containerPort: 8080}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: cart, namespace: shop}
spec:
  type: NodePort
  clusterIP: 10.96.0.50
  selector: {app: cart}
  ports: [{name: web, port: 80, targetPort: http, nodePort: 30080}]
---
apiVersion: v1
kind: Service
metadata: {name: cart-peers, namespace: shop}
spec: {clusterIP: None, selector: {app: cart}, ports: [{name: web, port: 80, targetPort: http}]}
---
apiVersion: v1
kind: Service
metadata: {name: nobody, namespace: shop}
spec: {selector: {app: nobody}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: elsewhere, namespace: shop}
spec: {type: ExternalName, externalName: example.org}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {nodeName: n1, containers: [{name: c, image: i}]}
status: {podIP: 10.244.9.1}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: other, labels: {app: web}}
spec: {nodeName: n1, containers: [{name: c, image: i}]}
status: {podIP: 10.244.9.2}
---
apiVersion: v1
kind: Pod
metadata: {name: done, namespace: shop}
spec: {nodeName: n1, containers: [{name: c, image: i}]}
status: {phase: Succeeded, podIP: 10.244.9.3}
---
apiVersion: v1
kind: Pod
metadata: {name: agent, namespace: shop}
spec: {nodeName: n1, hostNetwork: true, containers: [{name: c, image: i, ports: [{containerPort: 9100}]}]}
---
apiVersion: v1
kind: Node
metadata: {name: n1}
status: {addresses: [{type: InternalIP, address: 192.168.0.1}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: cart, namespace: shop}
spec:
  podSelector: {matchLabels: {app: cart}}
  ingress:
    - from: [{podSelector: {matchLabels: {app: web}}}]
      ports: [{port: 8080}]
    - from: [{ipBlock: {cidr: 203.0.113.0/24}}]
`;

const { cluster, policies } = clusterOf(manifests);
const cartPods = [...cluster.pods.values()]
  .filter(({ owner }) => owner?.name === 'cart')
  .map(({ key }) => key);

const ask = (from: string, to: string, port: string) => explain(cluster, policies, { from, to, port });

/** The only path. */
const onlyPath = ({ paths }: Explanation): Path => {
  const [path] = paths;
  if (!path || paths.length > 1) throw new Error(`${paths.length} paths`);
  return path;
};

const errorOf = (question: () => unknown) => {
  try {
    question();
  } catch (error) {
    if (error instanceof BulkheadError) return error.diagnostics[0];
    throw error;
  }
  return undefined;
};

describe('explain', () => {
  it('names the rule that allows, by policy, index and line', () => {
    const { verdict } = onlyPath(ask('shop/web', 'shop/cart', '80'));
    expect(verdict.allowed).toBe(true);
    const origin = verdict.ingress.rule?.origin;
    if (!origin) throw new Error('no rule');
    expect(describeOrigin(origin)).toBe('NetworkPolicy shop/cart, ingress rule 1');
    const line = manifests.split('\n').findIndex((text) => text.includes('from: [{podSelector')) + 1;
    expect(origin.position).toMatchObject({ file: 'test.yaml', line });
    expect(verdict.egress.reason).toBe('not-isolated');
  });

  it('names who isolates and what came closest', () => {
    const { summary, paths } = ask('other/web', 'shop/cart', '80');
    expect(summary).toBe('none');
    const [path] = paths;
    expect(path?.verdict.ingress.isolatedBy.map(({ name }) => name)).toEqual(['cart']);
    expect(path?.verdict.ingress.nearMisses.map(({ detail }) => detail)).toEqual([
      'the port matches, but pod other/web is not among pods app=web in namespace shop: its namespace is other',
      'the port matches, but pod other/web is not in 203.0.113.0/24: it is outside the block',
    ]);
  });

  it('makes one path of replicas for which the same decides', () => {
    const path = onlyPath(ask('shop/web', 'shop/cart', '80'));
    expect(path.destinations).toEqual(cartPods);
    expect(onlyPath(ask('shop/cart', 'shop/web', '80')).sources).toEqual(cartPods);
  });

  it('keeps destinations apart that other egress rules lead to', () => {
    const pod = (name: string) => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}, namespace: x, labels: {name: ${name}, set: all}}
spec: {containers: [{name: c, image: i}]}
---`;
    const made = clusterOf(`${['client', 'a', 'b'].map(pod).join('')}
apiVersion: v1
kind: Service
metadata: {name: all, namespace: x}
spec: {selector: {set: all}, ports: [{port: 80}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: client, namespace: x}
spec:
  podSelector: {matchLabels: {name: client}}
  policyTypes: [Egress]
  egress:
    - to: [{podSelector: {matchLabels: {name: a}}}]
    - to: [{podSelector: {matchLabels: {name: b}}}]
`);
    const { paths } = explain(made.cluster, made.policies, { from: 'client', to: 'all', port: '80' });
    expect(
      paths.map(({ destinations, verdict }) => [destinations, verdict.egress.rule?.origin.ruleIndex]),
    ).toEqual([
      [['x/a'], 0],
      [['x/b'], 1],
      [['x/client'], undefined],
    ]);
  });

  it('keeps replicas apart for which it depends', () => {
    const [first] = cartPods;
    const { summary, paths } = ask('shop/cart', first ?? '', '8080');
    expect(summary).toBe('some');
    expect(paths.map(({ sources, verdict }) => [sources, verdict.ingress.reason])).toEqual([
      [[first], 'self'],
      [cartPods.slice(1), 'default-deny'],
    ]);
  });
});

describe('explain through Services', () => {
  it('corner 5: policies see the pod port behind the Service port', () => {
    const path = onlyPath(ask('shop/web', 'shop/cart', '80/TCP'));
    expect(path.dnat).toMatchObject({ service: 'shop/cart', port: 80, address: { text: '10.96.0.50' } });
    expect(path.flow.port).toBe(8080);
    expect(onlyPath(ask('shop/web', 'shop/cart', 'web')).flow.port).toBe(8080);
  });

  it('takes the cluster IP for the Service', () => {
    expect(onlyPath(ask('shop/web', '10.96.0.50', '80')).dnat?.service).toBe('shop/cart');
  });

  it('corner 20: says what becomes of a connection to a NodePort', () => {
    const { paths, notes } = ask('203.0.113.7', '192.168.0.1', '30080');
    expect(paths[0]?.destination).toMatchObject({ kind: 'node' });
    expect(notes).toContain(
      "TCP 30080 is a NodePort of Service shop/cart, port 80: its pods on that node judge the client's address, those on other nodes the address of the node that was asked.",
    );
    expect(ask('203.0.113.7', '192.168.0.1', '30081').notes.join()).not.toContain('NodePort');
  });

  it('corner 23: says that packets of a pod address that nobody has are dropped', () => {
    const note = (nobody: string) =>
      `${nobody} is in the pod range of node n1, but no pod has it: until one does, that node drops its packets, whatever the policies say.`;
    expect(ask('shop/web', '10.244.1.250', '80').notes).toEqual([note('10.244.1.250')]);
    expect(ask('10.244.1.251', 'shop/web', '80').notes).toContain(note('10.244.1.251'));
    expect(ask('shop/web', '10.99.0.1', '80').notes).toEqual([]);
    expect(ask('shop/web', '192.168.0.1', '80').notes.join()).not.toContain('pod range');
  });

  it('does not translate for a headless Service: a number is the pods’ own port', () => {
    const byNumber = ask('shop/web', 'shop/cart-peers', '80');
    expect(onlyPath(byNumber)).toMatchObject({
      flow: { port: 80 },
      destinations: cartPods,
      verdict: { allowed: false },
    });
    expect(onlyPath(byNumber).dnat).toBeUndefined();
    expect(onlyPath(ask('shop/web', 'shop/cart-peers', 'web'))).toMatchObject({
      flow: { port: 8080 },
      verdict: { allowed: true },
    });
  });

  it('corner 19: a pod that reaches itself through a Service is allowed, as it is the pod itself after DNAT', () => {
    const { paths } = ask(cartPods[0] ?? '', 'shop/cart', '80');
    expect(paths.map(({ destinations, verdict }) => [destinations, verdict.ingress.reason])).toEqual([
      [cartPods.slice(0, 1), 'self'],
      [cartPods.slice(1), 'default-deny'],
    ]);
  });

  it('corner 7: an ipBlock of cluster IPs matches nothing, as policies judge after DNAT', () => {
    const text = `${manifests}---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: out, namespace: other}
spec: {podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 10.96.0.0/16}}]}]}
`;
    const made = clusterOf(text);
    const { summary } = explain(made.cluster, made.policies, {
      from: 'other/web',
      to: 'shop/cart',
      port: '80',
    });
    expect(summary).toBe('none');
  });
});

describe('the ends of a question', () => {
  it('may be addresses, blocks of the policies, and the internet', () => {
    expect(onlyPath(ask('203.0.113.9', cartPods[0] ?? '', '8080')).verdict.allowed).toBe(true);
    expect(onlyPath(ask('203.0.113.0/24', cartPods[0] ?? '', '8080')).verdict.allowed).toBe(true);
    expect(onlyPath(ask('internet', cartPods[0] ?? '', '8080')).verdict.allowed).toBe(false);
    expect(onlyPath(ask('shop/web', 'internet', '443')).verdict.egress.reason).toBe('not-isolated');
  });

  it('may be an address that a pod or node holds', () => {
    expect(ask('10.244.9.1', 'shop/cart', '80').paths[0]?.source).toMatchObject({
      kind: 'pod',
      pod: { key: 'shop/web' },
    });
    expect(ask('shop/agent', 'shop/cart', '80').notes).toContain(
      "192.168.0.1 is a node's address: policies select neither nodes nor hostNetwork pods.",
    );
  });

  it('need no namespace where a name is unique', () => {
    expect(ask('cart', 'other/web', '80').from.name).toBe('shop/cart');
  });

  it('may name a workload by its kind', () => {
    expect(ask('shop/deployment/cart', 'other/web', '80').from).toMatchObject({
      kind: 'pods',
      workload: 'Deployment',
    });
  });

  it('may be ICMP instead of a port', () => {
    expect(onlyPath(ask('203.0.113.9', cartPods[0] ?? '', 'icmp')).flow).toMatchObject({
      protocol: 1,
      port: 0,
    });
    expect(ask('shop/web', cartPods[0] ?? '', 'ICMP').summary).toBe('none');
  });

  it('are told when nothing may listen there', () => {
    expect(ask('shop/web', cartPods[0] ?? '', '22').notes).toEqual([
      `No container of ${cartPods[0]} declares TCP 22; perhaps nothing listens.`,
    ]);
    expect(ask('shop/web', cartPods[0] ?? '', '8080').notes).toEqual([]);
  });

  it('that are both no pods are beyond policies', () => {
    expect(ask('203.0.113.9', 'shop/agent', '9100').notes).toEqual([
      'Neither end is a pod with an address of its own, so no policy applies.',
    ]);
  });
});

describe('wrong questions', () => {
  it.each([
    ['a misspelt name', 'shop/wbe', 'shop/cart', '80', 'EXPLAIN_UNKNOWN_ENDPOINT', 'Did you mean shop/web?'],
    [
      'a misspelt Service',
      'shop/web',
      'shop/crat',
      '80',
      'EXPLAIN_UNKNOWN_ENDPOINT',
      'Did you mean shop/cart?',
    ],
    ['a Service as source', 'shop/nobody', 'shop/cart', '80', 'EXPLAIN_UNKNOWN_ENDPOINT', 'among others'],
    ['a name in two namespaces', 'web', 'shop/cart', '80', 'EXPLAIN_AMBIGUOUS_NAME', 'namespace in front'],
    ['a pod that ended', 'shop/done', 'shop/cart', '80', 'EXPLAIN_NO_ADDRESS', 'runs'],
    ['no port', 'shop/web', 'shop/cart', '', 'EXPLAIN_BAD_PORT', 'Write a number'],
    ['port 0', 'shop/web', 'shop/cart', '0', 'EXPLAIN_BAD_PORT', 'Write a number'],
    ['a port beyond 65535', 'shop/web', 'shop/cart', '65536/TCP', 'EXPLAIN_BAD_PORT', 'Write a number'],
    ['an unknown protocol', 'shop/web', 'shop/cart', '80/HTTP', 'EXPLAIN_BAD_PORT', 'Write a number'],
    [
      'the pod port of a Service',
      'shop/web',
      'shop/cart',
      '8080',
      'EXPLAIN_UNKNOWN_PORT',
      'clients of the Service use 80',
    ],
    ['another port of a Service', 'shop/web', 'shop/cart', '81', 'EXPLAIN_UNKNOWN_PORT', '80/TCP (web)'],
    [
      'a port of its pods alone',
      'shop/web',
      'shop/cart',
      '9100',
      'EXPLAIN_UNKNOWN_PORT',
      'such as shop/cart-1',
    ],
    ['an unknown port name', 'shop/web', 'other/web', 'http', 'EXPLAIN_UNKNOWN_PORT', 'number'],
    ['a port name outside', 'shop/web', '203.0.113.9', 'http', 'EXPLAIN_UNKNOWN_PORT', 'number'],
    ['a Service without pods', 'shop/web', 'shop/nobody', '80', 'EXPLAIN_NO_BACKENDS', 'selector'],
    ['an alias', 'shop/web', 'shop/elsewhere', '80', 'EXPLAIN_NO_BACKENDS', 'address of that host'],
    ['two families', 'shop/web', '2001:db8::1', '80', 'EXPLAIN_NO_COMMON_FAMILY', 'same family'],
  ])('%s', (...[, from, to, port, code, hint]) => {
    const error = errorOf(() => ask(from, to, port));
    expect(error?.code).toBe(code);
    expect(error?.hint).toContain(hint);
  });
});

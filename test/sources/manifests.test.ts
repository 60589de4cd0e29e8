import { describe, expect, test } from 'vitest';
import { parseManifests } from '../../src/sources/manifests.ts';
import { brief, errorsOf } from '../objects/decode.ts';

const parse = (text: string) => parseManifests(text, 'test.yaml');
const keys = (text: string): string[] => [...parse(text).objects.keys()];

describe('documents', () => {
  test('several, with empty ones between, comments and a directive', () => {
    const text = `%YAML 1.1
---
# Source: shop/templates/a.yaml
apiVersion: v1
kind: Namespace
metadata: { name: a }
---
# Source: shop/templates/nothing.yaml
---

---
apiVersion: v1
kind: Namespace
metadata: { name: b }
...
`;
    expect(keys(text)).toEqual(['Namespace//a', 'Namespace//b']);
  });

  test('JSON, indented with tabs', () => {
    const text = '{\n\t"apiVersion": "v1",\n\t"kind": "Pod",\n\t"metadata": {\n\t\t"name": "a b"\n\t}\n}\n';
    expect(errorsOf(text)[0]).toMatchObject({ position: { line: 5, column: 11 }, field: 'metadata.name' });
    expect(keys(text.replace('a b', 'a-b'))).toEqual(['Pod/default/a-b']);
  });

  test('Windows line ends', () => {
    expect(keys('apiVersion: v1\r\nkind: Pod\r\nmetadata:\r\n  name: a\r\n')).toEqual(['Pod/default/a']);
  });
});

describe('lists', () => {
  test('a List holds objects of any kind, whose fields are counted from the object', () => {
    const text = `apiVersion: v1
kind: List
items:
  - { apiVersion: v1, kind: Pod, metadata: { name: a } }
  - { apiVersion: v1, kind: Service, metadata: { name: b }, spec: { ports: [{ port: 0 }] } }
`;
    expect(brief(errorsOf(text))).toEqual([
      '5:85 FIELD_INVALID spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive',
    ]);
    expect(keys(text.replace('port: 0', 'port: 80'))).toEqual(['Pod/default/a', 'Service/default/b']);
  });

  test('a typed list says the kind of its items', () => {
    const items = '[{ metadata: { name: a }, spec: {} }, { metadata: { name: b, namespace: shop } }]';
    expect(keys(`apiVersion: networking.k8s.io/v1\nkind: NetworkPolicyList\nitems: ${items}\n`)).toEqual([
      'NetworkPolicy/default/a',
      'NetworkPolicy/shop/b',
    ]);
  });

  test('an empty list is fine beside something else', () => {
    const empty = 'apiVersion: v1\nkind: List\nitems: []\n---\n';
    expect(keys(`${empty}apiVersion: v1\nkind: Pod\nmetadata: {name: a}`)).toEqual(['Pod/default/a']);
  });
});

describe('kinds', () => {
  test('policies in a language that is not judged here are warned about, once for each kind', () => {
    const foreign = (apiVersion: string, kind: string, name: string) =>
      `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: { name: ${name} }\n`;
    const { diagnostics } = parse(
      [
        foreign('cilium.io/v2', 'CiliumNetworkPolicy', 'a'),
        foreign('cilium.io/v2', 'CiliumNetworkPolicy', 'b'),
        foreign('projectcalico.org/v3', 'NetworkPolicy', 'c'),
        foreign('v1', 'ConfigMap', 'd'),
      ].join('---\n'),
    );
    expect(brief(diagnostics)).toEqual([
      '1:1 POLICY_LANGUAGE_SKIPPED CiliumNetworkPolicy of cilium.io/v2 is a policy that is not judged here: what is said below leaves it out',
      '9:1 POLICY_LANGUAGE_SKIPPED NetworkPolicy of projectcalico.org/v3 is a policy that is not judged here: what is said below leaves it out',
    ]);
  });

  test('others are skipped and counted', () => {
    const others = [
      'v1/ConfigMap',
      'v1/ConfigMap',
      'networking.k8s.io/v1/Ingress',
      'projectcalico.org/v3/NetworkPolicy',
      'crd.projectcalico.org/v1/NetworkPolicy',
      'crd.antrea.io/v1beta1/NetworkPolicy',
      'cilium.io/v2/CiliumNetworkPolicy',
      'serving.knative.dev/v1/Service',
      'policy.networking.k8s.io/v1alpha1/AdminNetworkPolicy',
      'metrics.k8s.io/v1beta1/PodMetrics',
      'v1/Secret',
      'v1/ServiceAccount',
      'v1/PodTemplate',
      'v1/Event',
      'v1/Binding',
      'apps/v1/ControllerRevision',
      'policy/v1/PodDisruptionBudget',
      'rbac.authorization.k8s.io/v1/Role',
      'autoscaling/v2/HorizontalPodAutoscaler',
      'gateway.networking.k8s.io/v1/HTTPRoute',
    ];
    const text = others.map((other) => {
      const slash = other.lastIndexOf('/');
      return `apiVersion: ${other.slice(0, slash)}\nkind: ${other.slice(slash + 1)}\nmetadata: {name: a}\n`;
    });
    const { objects, skipped } = parse(text.join('---\n'));
    expect(objects.size).toBe(0);
    expect([...skipped.keys()]).toEqual([...new Set(others)]);
    expect(skipped.get('v1/ConfigMap')).toBe(2);
  });

  test.each([
    ['networking.k8s.io/v1beta1', 'NetworkPolicy', 'networking.k8s.io/v1', 'NetworkPolicy'],
    ['networking.k8s.io/v1', 'NetworkPolcy', 'networking.k8s.io/v1', 'NetworkPolicy'],
    ['networking.k8s.io/v1', 'networkPolicy', 'networking.k8s.io/v1', 'NetworkPolicy'],
    ['network.k8s.io/v1', 'NetworkPolicy', 'networking.k8s.io/v1', 'NetworkPolicy'],
    ['v1', 'NetworkPolicy', 'networking.k8s.io/v1', 'NetworkPolicy'],
    ['v1', 'Deployment', 'apps/v1', 'Deployment'],
    ['apps/v1', 'Deploymnet', 'apps/v1', 'Deployment'],
    ['v1', 'pod', 'v1', 'Pod'],
  ])('%s %s is taken for a mistake', (apiVersion, kind, meantVersion, meantKind) => {
    expect(errorsOf(`apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: {name: a}\n`)).toEqual([
      expect.objectContaining({
        code: 'KIND_UNKNOWN',
        message: `no matches for kind "${kind}" in version "${apiVersion}"`,
        hint: `Did you mean \`apiVersion: ${meantVersion}\` with \`kind: ${meantKind}\`?`,
      }),
    ]);
  });

  test.each([
    ['kind: Pod\nmetadata: {name: a}', "1:1 OBJECT_UNIDENTIFIED Object 'apiVersion' is missing"],
    ['apiVersion: v1\nmetadata: {name: a}', "1:1 OBJECT_UNIDENTIFIED Object 'kind' is missing"],
    [
      '- {apiVersion: v1, kind: Pod}',
      '1:1 OBJECT_UNIDENTIFIED a bare list of objects is no Kubernetes object',
    ],
    [
      'apiVersion: v1\nkind: 3',
      '2:7 FIELD_TYPE kind: json: cannot unmarshal number 3 into a field of type string',
    ],
  ])('%j', (text, message) => {
    expect(brief(errorsOf(text))).toContain(message);
  });

  test('a document that is no object is passed over with a warning', () => {
    const { diagnostics, objects } = parse(
      'replicas: 3\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: a}\n',
    );
    expect(brief(diagnostics)).toEqual([
      '1:1 NOT_A_MANIFEST this document is no Kubernetes object and was skipped',
    ]);
    expect(objects.size).toBe(1);
  });

  test.each(['', '# nothing\n', '---\n---\n', 'hello'])('nothing but %j is an error', (text) => {
    expect(errorsOf(text).map(({ code }) => code)).toEqual(['NOTHING_FOUND']);
  });
});

test('an object that is defined twice is an error that names both places', () => {
  const pod = (namespace: string): string => `apiVersion: v1\nkind: Pod\nmetadata: {name: a${namespace}}\n`;
  expect(keys([pod(''), pod(', namespace: b')].join('---\n'))).toHaveLength(2);
  expect(brief(errorsOf([pod(''), pod(', namespace: default')].join('---\n')))).toEqual([
    '5:1 OBJECT_DUPLICATE Pod default/a is already defined at test.yaml:1:1',
  ]);
});

test('policies of both API versions are one kind', () => {
  const policy = (version: string): string =>
    `apiVersion: ${version}\nkind: NetworkPolicy\nmetadata: {name: p}\n`;
  const text = [policy('networking.k8s.io/v1'), policy('extensions/v1beta1')].join('---\n');
  expect(errorsOf(text).map(({ code }) => code)).toEqual(['OBJECT_DUPLICATE']);
});

describe('aliases and merge keys', () => {
  const withLabels = (labels: string): string =>
    `x-common: &common { app: shop, tier: web }\napiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  labels: ${labels}\n`;
  const labels = (text: string): unknown => parse(text).objects.get('Pod/default/a')?.labels;

  test('an alias is the value of its anchor', () => {
    expect(labels(withLabels('*common'))).toEqual({ app: 'shop', tier: 'web' });
  });

  test('merged fields give way to those of the object', () => {
    expect(labels(withLabels('{ <<: *common, tier: db }'))).toEqual({ app: 'shop', tier: 'db' });
    expect(labels(withLabels('{ <<: [{ tier: one }, *common] }'))).toEqual({ app: 'shop', tier: 'one' });
  });

  test('an alias means the last anchor of its name', () => {
    const text = 'apiVersion: v1\nkind: Pod\nmetadata:\n  name: &x a\n  labels: { a: *x, b: &x c, d: *x }\n';
    expect(labels(text)).toEqual({ a: 'a', b: 'c', d: 'c' });
  });
});

import { describe, expect, test } from 'vitest';
import { check } from '../../src/analyze/check.ts';
import type { Diagnostic } from '../../src/errors.ts';
import { translatePolicies } from '../../src/dialects/translate.ts';
import { assembleCluster } from '../../src/sources/assemble.ts';
import { parseManifests } from '../../src/sources/manifests.ts';
import { pod, stream } from '../sources/assembled.ts';

const policy = (namespace: string, podSelector: string): string =>
  `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: p, namespace: ${namespace} }
spec: { podSelector: ${podSelector} }`;

const warningsOf = (text: string): string[] =>
  diagnosticsOf(text).map(({ code, message, position }) => `${position?.line} ${code} ${message}`);

const hintsOf = (text: string): unknown[] => diagnosticsOf(text).map(({ hint }) => hint);

function diagnosticsOf(text: string, isWhole = false): readonly Diagnostic[] {
  const manifests = parseManifests(text, 'test.yaml');
  const cluster = assembleCluster(manifests.objects, { families: [4], nodes: 2 });
  return check({ cluster, isWhole, policies: translatePolicies(cluster), manifests }).warnings;
}

test('a policy in a namespace with no pods', () => {
  expect(warningsOf(stream(pod('a'), policy('shpo', '{}')))).toEqual([
    '7 POLICY_SELECTS_NOTHING NetworkPolicy shpo/p selects no pod: there is none in namespace shpo',
  ]);
});

test('a policy that selects none of the pods of its namespace', () => {
  expect(warningsOf(stream(pod('a'), policy('default', '{ matchLabels: { app: x } }')))).toEqual([
    '7 POLICY_SELECTS_NOTHING NetworkPolicy default/p selects no pod',
  ]);
});

test('finished pods and pods on the host network are no subjects', () => {
  const done = pod('a', { status: '{ phase: Succeeded }' });
  const host = pod('b', { spec: '{ hostNetwork: true }' });
  expect(warningsOf(stream(done, host, policy('default', '{}')))).toHaveLength(1);
});

test('an ipBlock of a family that the cluster does not have, but for everybody', () => {
  const blocks = (...cidrs: string[]) =>
    `${policy('default', '{}').slice(0, -1)}, ingress: [{ from: [${cidrs.map((cidr) => `{ ipBlock: { cidr: "${cidr}" } }`).join()}] }] }`;
  expect(warningsOf(stream(pod('a'), blocks('0.0.0.0/0', '::/0', '2001:db8::/32', '192.0.2.0/24')))).toEqual([
    '10 PEER_SELECTS_NOTHING a peer of NetworkPolicy default/p matches nothing: 2001:db8::/32 is IPv6, and nobody here has such an address',
  ]);
});

test('a peer in a namespace of which the input has no pod, and one whose label is wrong', () => {
  const peers = ['monitoring', 'default'].map(
    (name) =>
      `{ namespaceSelector: { matchLabels: { kubernetes.io/metadata.name: ${name} } }, podSelector: { matchLabels: { app: x } } }`,
  );
  const rule = `${policy('default', '{}').slice(0, -1)}, ingress: [{ from: [${peers.join()}] }] }`;
  expect(hintsOf(stream(pod('a'), rule))).toEqual([
    'No pod of such a namespace is in the input: check its labels, or give the manifests of its pods, too.',
    'Compare the selector with the labels of the pods and namespaces that are meant.',
  ]);
});

describe('egress to the DNS of a cluster, which the manifests do not bring,', () => {
  const named = (name: string) => `{ matchLabels: { kubernetes.io/metadata.name: ${name} } }`;
  const egress = (namespaces: string, label: string, port = '53') =>
    stream(
      pod('a'),
      `${policy('default', '{}').slice(0, -1)}, policyTypes: [Egress], egress: [{ to: [{ namespaceSelector: ${namespaces}, ` +
        `podSelector: { matchLabels: { k8s-app: ${label} } } }], ports: [{ port: ${port}, protocol: UDP }] }] }`,
    );
  const codesOf = (text: string, isWhole = false) => diagnosticsOf(text, isWhole).map(({ code }) => code);

  test('is no mistake', () => {
    expect(codesOf(egress(named('kube-system'), 'kube-dns'))).toEqual([]);
    expect(codesOf(egress('{}', 'kube-dns', 'dns'))).toEqual([]);
  });

  test('is one where it is misspelt', () => {
    expect(codesOf(egress(named('kube-sytem'), 'kube-dns'))).toEqual(['PEER_SELECTS_NOTHING']);
    expect(codesOf(egress(named('kube-system'), 'kube-dsn'))).toEqual(['PEER_SELECTS_NOTHING']);
    expect(codesOf(egress('{}', 'kube-dns', 'dsn'))).toEqual(['PORT_NAME_UNKNOWN']);
  });

  test('is one where the input has a DNS of its own with other labels, or is a whole cluster', () => {
    const service = `apiVersion: v1
kind: Service
metadata: { name: kube-dns, namespace: kube-system }
spec: { selector: { app: dns }, ports: [{ port: 53, protocol: UDP }] }`;
    const rule = egress(named('kube-system'), 'kube-dns');
    expect(codesOf(stream(rule, service))).toEqual(['PEER_SELECTS_NOTHING']);
    expect(codesOf(rule, true)).toEqual(['PEER_SELECTS_NOTHING']);
  });
});

test('a policy that selects something', () => {
  expect(warningsOf(stream(pod('a'), policy('default', '{}')))).toEqual([]);
});

import { expect, test } from 'vitest';
import { familiesOf } from '../../src/sources/families.ts';
import { parseManifests } from '../../src/sources/manifests.ts';

const families = (...documents: string[]) =>
  familiesOf(parseManifests(documents.join('\n---\n'), 'test.yaml').objects);

const pod = (name: string, ips: string, spec = 'containers: []') =>
  `{apiVersion: v1, kind: Pod, metadata: {name: ${name}}, spec: {${spec}}, status: {phase: Running, ${ips}}}`;
const node = (addresses: string, spec = '') =>
  `{apiVersion: v1, kind: Node, metadata: {name: n1}, spec: {${spec}}, status: {addresses: [${addresses}]}}`;
const internal = (address: string) => `{type: InternalIP, address: "${address}"}`;
const service = (spec: string) => `{apiVersion: v1, kind: Service, metadata: {name: s}, spec: {${spec}}}`;

test('IPv4 where no address is told', () => {
  expect(families(pod('a', ''))).toEqual([4]);
});

test('those of the pods', () => {
  expect(families(pod('a', 'podIP: "fd00::1"'))).toEqual([6]);
  expect(families(pod('a', 'podIPs: [{ip: "fd00::1"}, {ip: 10.1.1.1}]'))).toEqual([4, 6]);
});

test('those of Services and of the ranges of pods', () => {
  expect(families(pod('a', ''), service('clusterIP: "fd00::9"'))).toEqual([6]);
  expect(families(service('ipFamilies: [IPv6, IPv4]'))).toEqual([4, 6]);
  expect(families(node(internal('192.0.2.1'), 'podCIDR: "fd00:1::/64"'))).toEqual([6]);
});

test('those of the nodes only where nothing else is known', () => {
  const both = node(`${internal('192.0.2.1')}, ${internal('2001:db8::1')}`);
  expect(families(both)).toEqual([4, 6]);
  expect(families(both, pod('a', 'podIP: 10.1.1.1'))).toEqual([4]);
  expect(
    families(pod('a', 'podIP: "2001:db8::1", hostIP: "2001:db8::1"', 'hostNetwork: true, containers: []')),
  ).toEqual([6]);
});

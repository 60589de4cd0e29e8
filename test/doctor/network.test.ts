import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { checkConflicts, chainsIn } from '../../src/doctor/conflict-checks.ts';
import { diagnosisOf } from '../../src/doctor/finding.ts';
import type { Finding } from '../../src/doctor/finding.ts';
import { checkNetwork } from '../../src/doctor/network-checks.ts';
import { interfaceTowards, readNodeNetwork } from '../../src/doctor/node-network.ts';
import type { Node, Pod } from '../../src/objects/model.ts';
import { address, cidr } from '../datapath/guard-world.ts';

let directory = '';

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'bulkhead-doctor-'));
  mkdirSync(join(directory, 'net.d'));
  mkdirSync(join(directory, 'interfaces'));
  for (const name of ['lo', 'eth0', 'veth1']) mkdirSync(join(directory, 'interfaces', name));
  write('route', [
    'Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT',
    'eth0\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\t0\t0\t0',
    'veth1\t0501F40A\t00000000\t0005\t0\t0\t0\tFFFFFFFF\t0\t0\t0',
  ]);
  write('ipv6_route', [
    'fd440000000000000000000000000005 80 00000000000000000000000000000000 00 00000000000000000000000000000000 00000400 00000001 00000000 00000001    veth1',
    '00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo',
  ]);
});

afterEach(() => rmSync(directory, { recursive: true }));

const write = (name: string, lines: readonly string[]): void =>
  writeFileSync(join(directory, name), `${lines.join('\n')}\n`);
const network = () => readNodeNetwork(directory, join(directory, 'interfaces'));

function cni(...types: readonly string[]): void {
  const plugins = types.map((type) => ({ type }));
  writeFileSync(join(directory, 'net.d/10-pods.conflist'), JSON.stringify({ plugins }));
}

const node = (...ranges: readonly string[]): Node => ({
  name: 'n1',
  labels: {},
  addresses: [address('10.77.0.11')],
  podCIDRs: ranges.map(cidr),
  position: { file: '', line: 1, column: 1 },
});

const pod = (...held: readonly string[]): Pod => ({
  key: 'shop/cart',
  namespace: 'shop',
  name: 'cart',
  labels: {},
  node: 'n1',
  addresses: held.map(address),
  hostNetwork: false,
  phase: 'Running',
  ports: [],
  position: { file: '', line: 1, column: 1 },
});

function check(given: { readonly node?: Node; readonly pods?: readonly Pod[] }): Record<string, Finding> {
  const findings = checkNetwork(
    {
      podInterfaces: 'auto',
      cniDirectory: join(directory, 'net.d'),
      node: given.node,
      pods: given.pods ?? [],
    },
    network(),
    join(directory, 'bridge'),
  );
  return Object.fromEntries(findings.map((finding) => [finding.check, finding]));
}

test('reads routes of both families as the kernel writes them', () => {
  expect(interfaceTowards(network(), address('10.244.1.5'))).toBe('veth1');
  expect(interfaceTowards(network(), address('10.244.1.6'))).toBe('eth0');
  expect(interfaceTowards(network(), address('fd44::5'))).toBe('veth1');
  expect(interfaceTowards(network(), address('fd44::6'))).toBeUndefined();
});

test('finds nothing to complain of on a node with a CNI that it knows', () => {
  cni('ptp', 'portmap');
  const found = check({ node: node('10.244.1.0/24', 'fd44::/64'), pods: [pod('10.244.1.5', 'fd44::5')] });
  expect(Object.values(found).map(({ state }) => state)).toEqual(['ok', 'ok', 'ok', 'ok']);
  expect(found['CNI']?.result).toContain('ptp, portmap');
});

test('finds a bridge without br_netfilter, and says what to do', () => {
  cni('bridge');
  const { CNI: found } = check({ node: node('10.244.1.0/24') });
  expect(found?.state).toBe('problem');
  expect(found?.result).toContain('modprobe br_netfilter && sysctl -w net.bridge.bridge-nf-call-iptables=1');
  mkdirSync(join(directory, 'bridge'));
  write('bridge/bridge-nf-call-iptables', ['1']);
  expect(check({ node: node('10.244.1.0/24') })['CNI']?.state).toBe('ok');
  // With pods of both families, both settings count.
  expect(check({ node: node('10.244.1.0/24', 'fd44::/64') })['CNI']?.result).toContain('ip6tables');
});

test('finds pods that are not behind the interfaces that the CNI seems to make', () => {
  cni('calico');
  const found = check({ node: node('10.244.1.0/24'), pods: [pod('10.244.1.5')] })['pod interfaces'];
  expect(found).toMatchObject({ state: 'problem' });
  expect(found?.result).toContain('pod shop/cart leave by veth1, not by cali');
});

test('warns where addresses are not closed before they are known', () => {
  cni('ptp');
  expect(check({ node: node() })['pod ranges']).toMatchObject({ state: 'warning' });
  const stray = check({ node: node('10.244.9.0/24'), pods: [pod('10.244.1.5')] })['pod ranges'];
  expect(stray).toMatchObject({ state: 'warning' });
  expect(stray?.result).toContain('pod shop/cart has an address outside');
});

test('warns where nothing says how pods are linked', () => {
  expect(check({})['CNI']).toMatchObject({ state: 'warning' });
  cni('something-new');
  expect(check({})['CNI']).toMatchObject({ state: 'warning' });
});

test('finds what translates addresses where policies don’t see it', () => {
  cni('ptp');
  write('ip_vs', ['IP Virtual Server version 1.2.1 (size=4096)', 'Prot LocalAddress:Port Scheduler Flags']);
  expect(check({})['translation']?.state).toBe('ok');
  write('ip_vs', ['Prot LocalAddress:Port Scheduler Flags', 'TCP  0A600001:01BB rr ']);
  expect(check({})['translation']?.state).toBe('problem');
});

test('knows other engines by what they make', () => {
  const listing = `table ip filter {
	chain FORWARD {
		type filter hook forward priority filter; policy accept;
	}
	chain KUBE-ROUTER-FORWARD {
	}
	chain cali-FORWARD {
	}
}
table inet kindnet-network-policies {
	chain prerouting {
	}
}
`;
  expect(chainsIn(listing)).toContain('ip filter KUBE-ROUTER-FORWARD');
  const names = (findings: readonly Finding[]) => findings.map(({ result }) => result.split(' ')[0]);
  expect(names(checkConflicts(['lo', 'cilium_host'], chainsIn(listing)))).toEqual([
    'kube-router',
    'Calico',
    'Cilium',
    'kube-network-policies',
  ]);
  const [none] = checkConflicts(['lo', 'eth0'], ['ip filter KUBE-FORWARD', 'inet bulkhead forward4']);
  expect(none?.state).not.toBe('warning');
});

test('what could not be found out is nothing found', () => {
  const finding = (state: Finding['state']): Finding => ({ check: '', state, result: '' });
  expect(diagnosisOf([finding('ok'), finding('unknown')]).ok).toBe(true);
  expect(diagnosisOf([finding('ok'), finding('warning')]).ok).toBe(false);
});

/** Addresses and ranges that no cluster should have, in the kernel: none may stop what everybody else changes. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { detachEngines, openDatapath } from '../../src/agent/node-datapath.ts';
import { NodeEnforcer } from '../../src/agent/node-enforcer.ts';
import { policyId, wantedPolicy } from '../../src/agent/policy-intake.ts';
import { decodeApiPolicy } from '../../src/sources/api/network-policy.ts';
import { decodeNode } from '../../src/sources/api/node.ts';
import { decodePod } from '../../src/sources/api/pod.ts';
import { Sharing } from '../../src/sources/api/sharing.ts';
import { isRoot } from '../datapath/kernel-tables.ts';
import { TestNetwork } from '../datapath/test-network.ts';

const nodeAddress = '192.0.2.1';
const odd = [
  '0.0.0.0',
  '255.255.255.255',
  '224.0.0.1',
  '127.0.0.1',
  '169.254.169.254',
  '::',
  '::1',
  'ff02::1',
];
const taken = [nodeAddress, '10.0.0.0', '10.0.0.255', '::ffff:10.0.0.9', '10.0.0.9'];
const ranges = ['0.0.0.0/0', '::/0', '10.0.0.0/16', '10.0.0.0/24', '10.0.0.9/32', '::ffff:10.0.0.0/120'];
const blocks = ['255.255.255.255/32', '::ffff:0:0/96', '8000::/1', '10.0.0.1/8', '::/128', 'ff00::/8'];

const sharing = new Sharing();
const pod = (ip: string, index: number) => {
  const name = `p${index}`;
  const metadata = { namespace: 'x', name, uid: name };
  const raw = { metadata, spec: { nodeName: 'n1' }, status: { phase: 'Running', podIPs: [{ ip }] } };
  return [`x/${name}`, decodePod(raw, sharing).object] as const;
};
const node = (name: string, podCIDRs: readonly string[]) => {
  const status = { addresses: [{ type: 'InternalIP', address: nodeAddress }] };
  return [name, decodeNode({ metadata: { name }, spec: { podCIDRs }, status }).object] as const;
};
const policy = (cidr: string, index: number) => {
  const metadata = { namespace: 'x', name: `b${index}` };
  const ports = [{ port: 1, endPort: 65_535 }, { protocol: 'SCTP' }];
  const raw = { metadata, spec: { podSelector: {}, ingress: [{ from: [{ ipBlock: { cidr } }], ports }] } };
  return [policyId(`x/b${index}`), wantedPolicy(decodeApiPolicy(raw).policy, 0)] as const;
};

describe.skipIf(!isRoot).each(['ebpf', 'nftables'] as const)('[root] with %s', (engine) => {
  let network: TestNetwork;
  beforeAll(() => {
    network = new TestNetwork();
  });
  afterAll(() => network.remove());

  test('pods at addresses of nodes, others, nobody and everybody, overlapping ranges and blocks are held, and can go', () => {
    const place = { netns: network.node, bpffs: network.bpffs, pinDir: `${network.bpffs}/bulkhead` };
    const enforcer = new NodeEnforcer('n1', () => openDatapath({ ...place, engine }));
    const pods = [...odd, ...taken].map(pod);
    const policies = [...ranges, ...blocks].map(policy);
    try {
      enforcer.update({ nodes: [node('n1', ['10.0.0.0/24']), node('n2', ranges)], pods, policies });
      expect([enforcer.behind, [...enforcer.refusals]]).toEqual([undefined, []]);
      expect([...enforcer.audit()].flat()).toEqual([]);
      enforcer.update({ nodes: [['n2', undefined]], pods: pods.map(([key]) => [key, undefined]) });
      enforcer.update({ policies: policies.map(([id]) => [id, undefined]) });
      expect([enforcer.behind, [...enforcer.audit()].flat()]).toEqual([undefined, []]);
    } finally {
      enforcer.close();
      detachEngines(place);
    }
  });
});

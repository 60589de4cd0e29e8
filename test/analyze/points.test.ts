import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { externalRanges } from '../../src/analyze/external-points.ts';
import { pointsOf } from '../../src/analyze/points.ts';
import type { PortSpec } from '../../src/analyze/points.ts';
import { cidrContains } from '../../src/objects/ip.ts';
import type { Address, IpFamily } from '../../src/objects/ip.ts';
import type { Cluster } from '../../src/objects/model.ts';
import { evaluate } from '../../src/policy/evaluate.ts';
import { holderOf } from '../../src/policy/holder.ts';
import { interestingAddresses, interestingPorts } from '../generate/flow.ts';
import { arbitraryScenario } from '../generate/scenario.ts';
import { outsideAddresses } from '../generate/universe.ts';
import { pod, policy, world } from '../policy/world.ts';
import { clusterOf } from './cluster-of.ts';

/** x/a may be called from the blocks. */
const from = (...blocks: string[]) =>
  policy(
    `{podSelector: {matchLabels: {pod: a}}, ingress: [{from: [${blocks.map((b) => `{ipBlock: ${b}}`).join()}]}]}`,
  );

const ranges = (policies: string, families: readonly IpFamily[] = [4]) => {
  const made = world(policies);
  return externalRanges({ ...made.cluster, families }, made.policies).map(
    ({ id, addresses }) => `${id} ${addresses.map(({ text }) => text).join()}`,
  );
};

describe('outside points', () => {
  it('are only the internet without blocks, in every family of the cluster', () => {
    const { cluster, policies } = world('');
    expect(externalRanges(cluster, policies)).toMatchObject([
      { id: 'internet', addresses: [{ text: '198.51.100.1' }, { text: '2001:db8::1' }] },
    ]);
  });

  it('are one per block and except, where no narrower one reaches', () => {
    expect(
      ranges(
        from(
          '{cidr: 203.0.113.0/24, except: [203.0.113.0/25]}',
          '{cidr: 203.0.0.0/16}',
          '{cidr: 192.0.2.9/32}',
        ),
      ),
    ).toEqual([
      'internet 198.51.100.1',
      '192.0.2.9/32 192.0.2.9',
      '203.0.0.0/16 203.0.0.1',
      '203.0.113.0/24 203.0.113.129',
      '203.0.113.0/25 203.0.113.1',
    ]);
  });

  it('take /0 for the internet', () => {
    expect(ranges(from('{cidr: 0.0.0.0/0}'))).toEqual(['internet 198.51.100.1']);
  });

  it('let the internet move away from blocks, to wherever there is room', () => {
    const documentation = ['198.51.100.0/24', '203.0.113.0/24', '192.0.2.0/24', '198.18.0.0/15'];
    const [internet] = ranges(from(...documentation.map((block) => `{cidr: ${block}}`)));
    expect(internet).toBe('internet 1.0.0.1');
    const halves = ['0.0.0.0/1', '128.0.0.0/1'].map((block) => `{cidr: ${block}}`);
    expect(ranges(from(...halves))).toEqual(['0.0.0.0/1 1.0.0.1', '128.0.0.0/1 128.0.0.1']);
  });

  it('leave out what belongs to the cluster, and keep to what is outside of a block around it', () => {
    expect(ranges(from('{cidr: 10.244.1.0/24}', '{cidr: 10.244.1.2/32}', '{cidr: 10.0.0.1/32}'))).toEqual([
      'internet 198.51.100.1',
    ]);
    expect(ranges(from('{cidr: 10.0.0.0/30}'))).toEqual(['internet 198.51.100.1', '10.0.0.0/30 10.0.0.0']);
  });

  it('leave out loopback and multicast, and name link-local addresses only if a block does', () => {
    const metadata = '{cidr: 0.0.0.0/0, except: [169.254.169.254/32, 127.0.0.0/8, 224.0.0.0/4]}';
    expect(ranges(from(metadata))).toEqual(['internet 198.51.100.1', '169.254.169.254/32 169.254.169.254']);
    expect(ranges(from('{cidr: "fe80::/64"}', '{cidr: "2001:db8:1::/48"}'), [6])).toEqual([
      'internet 2001:db8::1',
      '2001:db8:1::/48 2001:db8:1::1',
    ]);
    expect(ranges(from('{cidr: 169.0.0.0/8}'))).toEqual(['internet 198.51.100.1', '169.0.0.0/8 169.0.0.1']);
  });

  it('stand for every outside address: the narrowest that contains it is judged as it is', () => {
    fc.assert(
      fc.property(arbitraryScenario, ({ cluster, policies }) => {
        const external = externalRanges(cluster, policies);
        const pods = [...cluster.pods.values()].flatMap(({ addresses }) => addresses);
        const ports = interestingPorts(cluster).slice(0, 5);
        for (const address of outsideAddresses.filter((candidate) => isOutside(cluster, candidate))) {
          const stand = standIn(external, address);
          if (!stand) continue;
          for (const other of pods.filter(({ family }) => family === address.family)) {
            for (const port of ports) {
              const verdict = (outside: Address) => [
                evaluate(cluster, policies, { source: outside, destination: other, protocol: 6, port })
                  .allowed,
                evaluate(cluster, policies, { source: other, destination: outside, protocol: 6, port })
                  .allowed,
              ];
              expect(verdict(stand), `${address.text} by ${stand.text}`).toEqual(verdict(address));
            }
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it('are held by nobody', () => {
    fc.assert(
      fc.property(arbitraryScenario, ({ cluster, policies }) => {
        const held = interestingAddresses(cluster).filter(
          (address) => holderOf(cluster, address).kind !== 'external',
        );
        const taken = new Set(held.map(({ text }) => text));
        for (const { addresses } of externalRanges(cluster, policies)) {
          expect(addresses.filter(({ text }) => taken.has(text))).toEqual([]);
        }
      }),
      { numRuns: 100 },
    );
  });
});

function isOutside(cluster: Cluster, address: Address): boolean {
  const inPodRange = cluster.nodes
    .values()
    .some(({ podCIDRs }) => podCIDRs.some((range) => cidrContains(range, address)));
  return cluster.families.includes(address.family) && !inPodRange;
}

/** None if the narrowest block that contains the address has no room outside the cluster. */
function standIn(external: ReturnType<typeof externalRanges>, address: Address): Address | undefined {
  const containing = external.filter(({ cidr }) => cidr === undefined || cidrContains(cidr, address));
  const narrowest = containing.toSorted(
    (a, b) => (b.cidr?.prefixLength ?? 0) - (a.cidr?.prefixLength ?? 0),
  )[0];
  return narrowest?.addresses.find(({ family }) => family === address.family);
}

const texts = (ports: readonly PortSpec[] | undefined) =>
  ports?.map(({ protocol, port, name }) => `${port}/${protocol}${name ? ` ${name}` : ''}`);

const portsIn = (
  policies: string,
  pods = [pod('x/a', { host: 1, ports: ['web=8080/TCP', 'dns=53/UDP'] })],
) => {
  const made = world(policies, { pods });
  const points = pointsOf(made.cluster, made.policies);
  return {
    pod: texts(points[0]?.ports),
    outside: texts(points.find(({ kind }) => kind === 'external')?.ports),
  };
};

describe('ports', () => {
  it('of a pod are those that it declares, by protocol and number', () => {
    expect(portsIn('').pod).toEqual(['8080/TCP web', '53/UDP dns']);
  });

  it('of a pod are those too that ingress rules about it name, by number or by name', () => {
    const rules = policy(
      '{podSelector: {}, ingress: [{ports: [{port: 22}, {port: web}, {port: none}, {port: 53, protocol: SCTP}]}]}',
    );
    expect(portsIn(rules).pod).toEqual(['22/TCP', '8080/TCP web', '53/UDP dns', '53/SCTP']);
    expect(portsIn(rules.replace('podSelector: {}', 'podSelector: {matchLabels: {pod: b}}')).pod).toEqual([
      '8080/TCP web',
      '53/UDP dns',
    ]);
  });

  it('of a range are its first, unless it covers one that is asked already', () => {
    expect(
      portsIn(policy('{podSelector: {}, ingress: [{ports: [{port: 8000, endPort: 9000}]}]}')).pod,
    ).toEqual(['8080/TCP web', '53/UDP dns']);
    expect(
      portsIn(policy('{podSelector: {}, ingress: [{ports: [{port: 30000, endPort: 32767}]}]}')).pod,
    ).toEqual(['8080/TCP web', '30000/TCP', '53/UDP dns']);
  });

  it('are TCP 80 where nothing names any', () => {
    expect(portsIn('', [pod('x/a', { host: 1, ports: [] })])).toEqual({
      pod: ['80/TCP'],
      outside: ['80/TCP'],
    });
  });

  it('of the outside are those that egress rules name that can reach it, and one that none names', () => {
    const egress = (rule: string) => portsIn(policy(`{podSelector: {}, egress: [${rule}]}`)).outside;
    expect(egress('{ports: [{port: 443}, {port: 53, protocol: UDP}, {port: web}]}')).toEqual([
      '80/TCP',
      '443/TCP',
      '53/UDP',
    ]);
    expect(egress('{to: [{ipBlock: {cidr: 203.0.113.0/24}}], ports: [{port: 5432}]}')).toEqual([
      '80/TCP',
      '5432/TCP',
    ]);
    expect(egress('{ports: [{port: 80}, {port: 400, endPort: 500}]}')).toEqual([
      '80/TCP',
      '400/TCP',
      '8080/TCP',
    ]);
    expect(egress('{ports: [{protocol: UDP}, {port: 80, protocol: UDP}]}')).toEqual([
      '80/TCP',
      '80/UDP',
      '443/UDP',
    ]);
    expect(egress('{ports: [{port: 1, endPort: 65535}]}')).toEqual(['1/TCP']);
    expect(egress('{to: [{podSelector: {}}], ports: [{port: 6379}]}')).toEqual(['80/TCP']);
  });

  it('are those too that Services send to', () => {
    const { cluster, policies } = clusterOf(`
apiVersion: v1
kind: Pod
metadata: {name: a, namespace: x, labels: {app: a}}
spec: {containers: [{name: c, image: i, ports: [{name: web, containerPort: 8080}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: a, namespace: x}
spec: {selector: {app: a}, ports: [{name: one, port: 80, targetPort: web}, {name: two, port: 81, targetPort: 9090}]}
`);
    expect(texts(pointsOf(cluster, policies)[0]?.ports)).toEqual(['8080/TCP web', '9090/TCP']);
  });

  it('are none of a pod without an address, which is no point', () => {
    const made = world('', { pods: [pod('x/a', { host: 1, phase: 'Failed' }), pod('x/b', { host: 2 })] });
    expect(pointsOf(made.cluster, made.policies).map(({ id }) => id)).toEqual(['x/b', 'internet']);
  });
});

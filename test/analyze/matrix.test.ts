import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { computeMatrix } from '../../src/analyze/matrix.ts';
import type { Matrix } from '../../src/analyze/matrix.ts';
import { evaluate } from '../../src/policy/evaluate.ts';
import { protocolNumbers } from '../../src/policy/verdict.ts';
import { arbitraryScenario } from '../generate/scenario.ts';
import type { Scenario } from '../generate/scenario.ts';
import { pod, policy, world } from '../policy/world.ts';

function addressOf(matrix: Matrix, id: string, family: number) {
  const address = matrix.points.get(id)?.addresses.find((candidate) => candidate.family === family);
  if (!address) throw new Error(`${id} has no IPv${family} address`);
  return address;
}

/** What the oracle says, for every cell that there should be. */
function oracleCells(matrix: Matrix, { cluster, policies }: Scenario) {
  const points = [...matrix.points.values()];
  return points.flatMap((source) =>
    points
      .filter((destination) => source.kind === 'pod' || destination.kind === 'pod')
      .flatMap((destination) =>
        source.addresses
          .map(({ family }) => family)
          .filter((family) => destination.addresses.some((address) => address.family === family))
          .flatMap((family) =>
            destination.ports.map(({ protocol, port }) => {
              const ends = {
                source: addressOf(matrix, source.id, family),
                destination: addressOf(matrix, destination.id, family),
              };
              const { allowed } = evaluate(cluster, policies, {
                ...ends,
                protocol: protocolNumbers[protocol],
                port,
              });
              return { source: source.id, destination: destination.id, family, protocol, port, allowed };
            }),
          ),
      ),
  );
}

describe('matrix', () => {
  it('says what the oracle says, cell by cell and none missing', () => {
    fc.assert(
      fc.property(arbitraryScenario, (scenario) => {
        const matrix = computeMatrix(scenario.cluster, scenario.policies);
        expect(matrix.cells).toEqual(oracleCells(matrix, scenario));
      }),
      { numRuns: 150 },
    );
  });

  it('has families apart, which only blocks can tell', () => {
    const made = world(policy('{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 0.0.0.0/0}}]}]}'));
    const { cells, pairs } = computeMatrix(made.cluster, made.policies);
    const found = cells.filter(
      ({ source, destination, port }) => source === 'y/a' && destination === 'x/a' && port === 80,
    );
    expect(found.map(({ family, allowed }) => ({ family, allowed }))).toEqual([
      { family: 4, allowed: true },
      { family: 6, allowed: false },
    ]);
    const pair = pairs.find(({ source, destination }) => source === 'y/a' && destination === 'x/a');
    expect(pair).toMatchObject({ summary: 'some' });
    expect(pair?.ports.map(({ port, family, allowed }) => [port, family, allowed])).toEqual([
      [80, 4, true],
      [80, 6, false],
      [81, 4, true],
      [81, 6, false],
    ]);
  });
});

const owner = { kind: 'Deployment', name: 'web' };
const replicas = [
  pod('x/web-1', { host: 1, labels: { app: 'web' }, owner }),
  pod('x/web-2', { host: 2, labels: { app: 'web' }, owner }),
];
const clients = [
  pod('x/client', { host: 3, labels: { app: 'client' } }),
  pod('y/client', { host: 4, node: 'n2' }),
];

const groupsIn = (policies: string, pods: readonly ReturnType<typeof pod>[] = [...replicas, ...clients]) => {
  const made = world(policies, { pods });
  const matrix = computeMatrix({ ...made.cluster, families: [4] }, made.policies);
  return {
    ...matrix,
    summary: (source: string, destination: string) => summaryOf(matrix, source, destination),
  };
};

function summaryOf(matrix: Matrix, source: string, destination: string): string | undefined {
  return matrix.pairs.find((pair) => pair.source === source && pair.destination === destination)?.summary;
}

describe('groups', () => {
  it('are workloads whose replicas agree', () => {
    const { groups, summary } = groupsIn(
      policy(
        '{podSelector: {matchLabels: {app: web}}, ingress: [{from: [{podSelector: {matchLabels: {app: client}}}]}]}',
      ),
    );
    expect([...groups.keys()]).toEqual(['x/web', 'x/client', 'y/client', 'internet']);
    expect(groups.get('x/web')).toMatchObject({
      kind: 'workload',
      namespace: 'x',
      workload: owner,
      points: ['x/web-1', 'x/web-2'],
    });
    expect([summary('x/client', 'x/web'), summary('y/client', 'x/web')]).toEqual(['all', 'none']);
  });

  it('speak for one replica towards another, not for a pod towards itself', () => {
    const { summary } = groupsIn(policy('{podSelector: {matchLabels: {app: web}}}'));
    expect(summary('x/web', 'x/web')).toBe('none');
    expect(summary('x/client', 'x/client')).toBe('all');
  });

  it('are single pods where replicas differ as destinations, as sources, or by port', () => {
    const split = ['x/web-1', 'x/web-2', 'x/client', 'y/client', 'internet'];
    const [first, second] = replicas;
    if (!first || !second) throw new Error('two replicas');
    const relabelled = [first, { ...second, labels: { app: 'web', canary: 'yes' } }, ...clients];
    const asDestination = policy('{podSelector: {matchLabels: {canary: "yes"}}}');
    const asSource = policy('{podSelector: {matchLabels: {canary: "yes"}}, policyTypes: [Egress]}');
    expect([...groupsIn(asDestination, relabelled).groups.keys()]).toEqual(split);
    expect([...groupsIn(asSource, relabelled).groups.keys()]).toEqual(split);
    const otherPort = [first, pod('x/web-2', { host: 2, owner, ports: ['9090/TCP'] }), ...clients];
    expect([...groupsIn('', otherPort).groups.keys()]).toEqual(split);
    expect(groupsIn('', otherPort).groups.get('x/web-1')).toMatchObject({ kind: 'pod', workload: owner });
  });

  it('are single pods where replicas differ only towards each other', () => {
    const notFromFirst = policy(`
      podSelector: {matchLabels: {canary: "yes"}}
      ingress:
        - from:
            - {ipBlock: {cidr: 0.0.0.0/0, except: [10.244.1.1/32]}}
            - {ipBlock: {cidr: "::/0", except: ["fd00:244:1::1/128"]}}
    `);
    const [first, second] = replicas;
    if (!first || !second) throw new Error('two replicas');
    const pods = [first, { ...second, labels: { app: 'web', canary: 'yes' } }, ...clients];
    const { groups, summary } = groupsIn(notFromFirst, pods);
    expect([...groups.keys()]).toEqual(['x/web-1', 'x/web-2', 'x/client', 'y/client', 'internet']);
    expect([summary('x/web-1', 'x/web-2'), summary('x/web-2', 'x/web-1')]).toEqual(['none', 'all']);
  });

  it('of one pod are still workloads', () => {
    const { groups } = groupsIn('', [...replicas.slice(0, 1), ...clients]);
    expect(groups.get('x/web')).toMatchObject({ kind: 'workload', points: ['x/web-1'] });
  });

  it('are told apart by kind where they share a name', () => {
    const daemon = pod('x/web-9', { host: 9, owner: { kind: 'DaemonSet', name: 'web' } });
    const bare = pod('y/web', { host: 8 });
    expect([...groupsIn('', [...replicas, daemon, bare]).groups.keys()]).toEqual([
      'x/deployment/web',
      'x/daemonset/web',
      'y/web',
      'internet',
    ]);
  });

  it('give way to a pod of the same name, even one that a controller made', () => {
    const [first, second] = replicas;
    if (!first || !second) throw new Error('two replicas');
    const canary = { ...second, labels: { app: 'web', canary: 'yes' } };
    const namesake = pod('x/other', { host: 7, owner: { kind: 'Job', name: 'web-1' } });
    const shut = policy('{podSelector: {matchLabels: {canary: "yes"}}}');
    expect([...groupsIn(shut, [first, canary, namesake]).groups.keys()]).toEqual([
      'x/web-1',
      'x/web-2',
      'x/job/web-1',
      'internet',
    ]);
  });

  it('stand for their pods: every cell is what its pair says', () => {
    fc.assert(
      fc.property(arbitraryScenario, ({ cluster, policies }) => {
        const pods = [...cluster.pods].map(([key, one], index) => {
          return [key, { ...one, owner: { kind: 'Deployment', name: `w${index % 2}` } }] as const;
        });
        const matrix = computeMatrix({ ...cluster, pods: new Map(pods) }, policies);
        const groupOf = new Map(
          [...matrix.groups.values()].flatMap((group) =>
            group.points.map((point) => [point, group] as const),
          ),
        );
        for (const { source, destination, family, protocol, port, allowed } of matrix.cells) {
          const [from, to] = [groupOf.get(source), groupOf.get(destination)];
          if (source === destination && (from?.points.length ?? 0) > 1) continue;
          const pair = matrix.pairs.find((one) => one.source === from?.id && one.destination === to?.id);
          const said = pair?.ports.filter(
            (one) => one.protocol === protocol && one.port === port && (one.family ?? family) === family,
          );
          expect(said?.map((one) => one.allowed)).toEqual([allowed]);
        }
      }),
      { numRuns: 60 },
    );
  });
});

/**
 * Would the corpus notice? Each test is an engine with one bug of those that other implementations shipped, made by
 * changing policies before the oracle sees them; some case must fail, and mostly those that are about that bug.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Corpus } from '../../src/conformance/corpus.ts';
import { readCorpus } from '../../src/conformance/corpus.ts';
import type { Engine, EngineState } from '../../src/conformance/engine.ts';
import { runCorpus } from '../../src/conformance/run.ts';
import { makeCidr } from '../../src/objects/ip.ts';
import type { Cluster, LabelSelector } from '../../src/objects/model.ts';
import { evaluate } from '../../src/policy/evaluate.ts';
import type { Peer, Policy, PortMatch, Rule } from '../../src/policy/ir.ts';
import type { Flow } from '../../src/policy/verdict.ts';

interface Bug {
  readonly policies?: (policies: readonly Policy[]) => readonly Policy[];
  readonly cluster?: (cluster: Cluster) => Cluster;
  readonly flow?: (flow: Flow) => Flow;
}

function withBug({ policies, cluster, flow }: Bug): Engine {
  return {
    name: 'buggy',
    summary: 'the oracle, misled',
    callsServices: false,
    open: async () => {
      let state: EngineState | undefined;
      return {
        apply: async (next) => {
          state = next;
        },
        judge: async (questions) =>
          questions.map((question) => {
            if (!state) throw new Error('nothing has been applied');
            const misled = policies?.(state.policies) ?? state.policies;
            const seen = cluster?.(state.cluster) ?? state.cluster;
            const { allowed } = evaluate(seen, misled, flow?.(question.flow) ?? question.flow);
            return { verdict: allowed ? 'allowed' : 'denied' };
          }),
        close: async () => undefined,
      };
    },
  };
}

const eachRule = (change: (rule: Rule) => Rule): Bug => ({
  policies: (all) =>
    all.map((policy) => ({
      ...policy,
      ...(policy.ingress ? { ingress: { ...policy.ingress, rules: policy.ingress.rules.map(change) } } : {}),
      ...(policy.egress ? { egress: { ...policy.egress, rules: policy.egress.rules.map(change) } } : {}),
    })),
});
const eachPeer = (change: (peer: Peer) => Peer): Bug =>
  eachRule((rule) => (rule.peers === 'any' ? rule : { ...rule, peers: rule.peers.map(change) }));
const eachPort = (change: (port: PortMatch) => PortMatch): Bug =>
  eachRule((rule) => (rule.ports === 'any' ? rule : { ...rule, ports: rule.ports.map(change) }));
const eachSelector = (change: (selector: LabelSelector) => LabelSelector): Bug =>
  eachPeer((peer) => {
    if (peer.kind !== 'pods') return peer;
    const { namespaces } = peer;
    return {
      ...peer,
      pods: change(peer.pods),
      namespaces:
        namespaces.kind === 'selector'
          ? { ...namespaces, selector: change(namespaces.selector) }
          : namespaces,
    };
  });

const bugs: Readonly<Record<string, readonly [Bug, ...caughtBy: string[]]>> = {
  'excepts are ignored': [
    eachPeer((peer) => (peer.kind === 'ipBlock' ? { ...peer, except: [] } : peer)),
    'e2e-35',
    'corner-08',
  ],
  'an except denies, whatever else allows': [
    {
      policies: (all) =>
        all.map((policy) => {
          const rules = policy.ingress?.rules ?? [];
          const denials = rules.flatMap((rule) =>
            rule.peers === 'any'
              ? []
              : rule.peers.flatMap((peer) => {
                  if (peer.kind !== 'ipBlock') return [];
                  const peers = peer.except.map((cidr): Peer => ({ ...peer, cidr, except: [] }));
                  return [{ ...rule, action: 'deny' as const, peers, ports: 'any' as const }];
                }),
          );
          return policy.ingress
            ? { ...policy, ingress: { ...policy.ingress, rules: [...denials, ...rules] } }
            : policy;
        }),
    },
    'corner-10',
  ],
  'blocks match no pods': [
    {
      ...eachPeer((peer) =>
        peer.kind === 'ipBlock' && peer.cidr.prefixLength > 7 ? { ...peer, cidr: makeCidr(4, 0n, 32) } : peer,
      ),
    },
    'e2e-34',
    'corner-08',
  ],
  'endPort is ignored': [
    eachPort((port) => (port.kind === 'range' ? { ...port, to: port.from } : port)),
    'api-02',
    'corner-15',
  ],
  'a port name opens every port': [
    eachPort((port) => (port.kind === 'named' ? { ...port, kind: 'all' } : port)),
    'e2e-17',
    'corner-02',
  ],
  'SCTP is taken for TCP': [
    eachPort((port) => (port.protocol === 'SCTP' ? { ...port, protocol: 'TCP' } : port)),
    'e2e-38',
    'corner-29',
  ],
  'the protocol of a port entry is ignored': [
    { flow: (flow) => (flow.protocol === 17 ? { ...flow, protocol: 6 } : flow) },
    'e2e-30',
    'corner-31',
  ],
  'NotIn is taken for DoesNotExist': [
    eachSelector((selector) => ({
      ...selector,
      matchExpressions: selector.matchExpressions.map((one) =>
        one.operator === 'NotIn' ? { ...one, operator: 'DoesNotExist' } : one,
      ),
    })),
    'e2e-09',
    'corner-38',
  ],
  'matchExpressions are ignored': [
    eachSelector((selector) => ({ ...selector, matchExpressions: [] })),
    'e2e-08',
    'corner-39',
  ],
  'a podSelector reaches into other namespaces': [
    eachPeer((peer) =>
      peer.kind === 'pods' && peer.namespaces.kind === 'name'
        ? { ...peer, namespaces: { kind: 'selector', selector: { matchLabels: {}, matchExpressions: [] } } }
        : peer,
    ),
    'e2e-23',
    'corner-55',
  ],
  'the second of two peers is lost': [
    eachRule((rule) => (rule.peers === 'any' ? rule : { ...rule, peers: rule.peers.slice(0, 1) })),
    'e2e-12',
    'corner-33',
  ],
  'a policy without rules does not isolate': [
    {
      policies: (all) =>
        all.map((policy) =>
          policy.ingress?.rules.length === 0
            ? { ...policy, ingress: { ...policy.ingress, default: 'next' } }
            : policy,
        ),
    },
    'e2e-01',
    'corner-35',
  ],
  'egress is not enforced': [
    {
      policies: (all) =>
        all.map(({ id, tier, order, subject, ingress }) => {
          return { id, tier, order, subject, ...(ingress ? { ingress } : {}) };
        }),
    },
    'e2e-25',
    'corner-31',
  ],
  'IPv6 is not enforced': [
    { flow: (flow) => (flow.source.family === 6 ? { ...flow, source: flow.destination } : flow) },
    'e2e-01',
  ],
  'a deleted policy stays': [
    (() => {
      const seen = new Map<string, Policy>();
      return {
        policies: (all: readonly Policy[]) => {
          for (const policy of all) seen.set(policy.id, policy);
          return [...seen.values()];
        },
      };
    })(),
    'e2e-33',
    'corner-22',
  ],
  'nodes are closed out': [{ cluster: (cluster) => ({ ...cluster, nodes: new Map() }) }, 'corner-17'],
  'hostNetwork pods are pods': [
    {
      cluster: (cluster) => ({
        ...cluster,
        pods: new Map([...cluster.pods].map(([key, pod]) => [key, { ...pod, hostNetwork: false }])),
      }),
    },
    'corner-16',
  ],
  'the namespace label of the name is missing': [
    {
      cluster: (cluster) => ({
        ...cluster,
        namespaces: new Map(
          [...cluster.namespaces].map(([name, { labels, ...rest }]) => {
            const { 'kubernetes.io/metadata.name': _, ...others } = labels;
            return [name, { ...rest, labels: others }];
          }),
        ),
      }),
    },
    'e2e-41',
    'corner-40',
  ],
};

describe('the corpus notices when', () => {
  let corpus: Corpus;
  beforeAll(() => {
    const { models, cases } = readCorpus();
    corpus = { models, cases: cases.filter(({ family }) => ['e2e', 'api', 'corner'].includes(family)) };
  });

  it.each(Object.entries(bugs))('%s', async (_, [bug, ...caughtBy]) => {
    const results = await runCorpus({ engine: withBug(bug), corpus, stacks: ['dual'], via: 'pod-ip' });
    const failed = results.filter(({ outcome }) => outcome === 'failed').map((result) => result.case.id);
    expect(failed).toEqual(expect.arrayContaining(caughtBy));
  });
});

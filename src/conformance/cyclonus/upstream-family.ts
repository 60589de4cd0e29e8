/** The thirteen of upstream's end-to-end cases that Cyclonus took over, on its own nine pods and six ports. */
import type { Policy, Rule } from './facts.ts';
import { allowDns, named, numbered, peers, targets } from './fragments.ts';
import { single } from './generated-case.ts';
import type { Untold } from './generated-case.ts';

const inX = (name: string, policy: Omit<Policy, 'namespace' | 'name'>): Policy => {
  return { namespace: 'x', name, ...policy };
};

/** As upstream gave them: without TCP. */
const dnsByUdp: Rule = { ports: [numbered('UDP', 53)] };

const stacked = (port: number) =>
  inX(`allow-client-a-via-ns-selector-${port}`, {
    target: targets.a,
    ingress: [{ peers: [peers.namespaceY], ports: [numbered('TCP', port)] }],
  });
const allowAll = inX('allow-all', { target: targets.all, ingress: [{}] });
const mutable = { ...allowAll, name: 'allow-all-mutate-to-deny-all' };
const denyAll = inX('deny-all', { target: targets.all, ingress: [], egress: [] });

export const upstreamCases: readonly Untold[] = [
  single('Default deny ingress', inX('deny-ingress', { target: targets.all, ingress: [] })),
  single(
    'Default deny all, but for DNS',
    inX('deny-all-allow-dns', { target: targets.all, ingress: [], egress: [allowDns] }),
  ),
  single(
    'Both selectors with matchExpressions',
    inX('allow-ns-y-z-pod-b-c', { target: targets.a, ingress: [{ peers: [peers.bOrCNotInX] }] }),
  ),
  {
    title: 'Stacked policies',
    write: (writer) => writer.create(stacked(81)).probe().probe().create(stacked(80)).probe(),
  },
  {
    title: 'Allow all',
    write: (writer) => writer.create(allowAll).probe().probe(),
  },
  {
    title: 'One named port',
    write: (writer) =>
      writer
        .create({ ...allowAll, ingress: [{ ports: [named(undefined, { port: 81, protocol: 'TCP' })] }] })
        .probe()
        .probe(),
  },
  {
    title: 'An updated policy',
    write: (writer) =>
      writer
        .create(mutable)
        .probe()
        .update({ ...mutable, ingress: [] })
        .probe(),
  },
  {
    title: 'An updated namespace',
    write: (writer) =>
      writer
        .create(
          inX('allow-client-a-via-ns-selector', {
            target: targets.a,
            ingress: [{ peers: [peers.namespaceUpdated] }],
          }),
        )
        .probe()
        .labelNamespace('y', { ns2: 'updated' })
        .probe(),
  },
  {
    title: 'An updated client',
    write: (writer) =>
      writer
        .create(
          inX('allow-client-a-via-pod-selector', {
            target: targets.a,
            ingress: [{ peers: [peers.bUpdatedHere] }],
          }),
        )
        .probe()
        .labelPod('x/b', { pod2: 'updated' })
        .probe(),
  },
  {
    title: 'An updated target',
    write: (writer) =>
      writer
        .create(inX('deny-ingress-via-label-selector', { target: targets.isolated, ingress: [] }))
        .probe()
        .labelPod('x/a', { pod: null, target: 'isolated' })
        .probe(),
  },
  {
    title: 'Ingress and egress together',
    write: (writer) =>
      writer
        .create(
          inX('allow-client-a-via-pod-selector', {
            target: targets.a,
            ingress: [{ peers: [peers.bHere] }],
            egress: [{ ports: [numbered(undefined, 80), numbered('UDP', 53)] }],
          }),
        )
        .probe()
        .probe(),
  },
  single(
    'Denied by the client though the server allows',
    inX('allow-to-ns-y-pod-a', { target: targets.a, egress: [{ peers: [peers.aInY] }, dnsByUdp] }),
    ...(['a', 'b'] as const).map((name): Policy => {
      const ingress = [{ peers: [peers.aInX] }];
      return {
        namespace: 'y',
        name: `allow-from-xa-on-y${name}-match-selector`,
        target: targets[name],
        ingress,
      };
    }),
  ),
  {
    title: 'A deleted policy',
    write: (writer) => writer.create(denyAll).probe().delete(denyAll).probe(),
  },
];

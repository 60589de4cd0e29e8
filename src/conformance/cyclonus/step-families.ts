/** Cyclonus' families whose cases have several steps: what happens to policies, namespaces and pods. */
import type { Policy } from './facts.ts';
import { base, named, peers, targets, vary } from './fragments.ts';
import type { Untold } from './generated-case.ts';

const laterNamespace = vary('ingress', { peers: [peers.namespaceNewlyLabelled] });
const laterPod = vary('ingress', { peers: [peers.podNewlyLabelledInYOrZ] });
const udp81 = vary('ingress', { ports: [named('UDP', { port: 81, protocol: 'UDP' })] });

export const actionCases: readonly Untold[] = [
  {
    title: 'A policy comes and goes',
    write: (writer) => writer.create(base).probe().delete(base).probe(),
  },
  {
    title: 'A policy comes and changes',
    write: (writer) => writer.create(base).probe().update(udp81).probe(),
  },
  {
    title: 'A namespace that a policy allows comes and goes',
    write: (writer) =>
      writer
        .create(base)
        .probe()
        .createNamespace('y-2', 'y')
        .createPod('y-2/a', { ns: 'y', node: 'node-1', host: 40 })
        .createPod('y-2/b', { ns: 'y', node: 'node-2', host: 41 })
        .probe()
        .deleteNamespace('y-2')
        .probe(),
  },
  {
    title: 'A namespace gets a label that a policy allows, and loses it',
    write: (writer) =>
      writer
        .create(laterNamespace)
        .probe()
        .labelNamespace('y', { 'new-ns': 'qrs' })
        .probe()
        .labelNamespace('y', { 'new-ns': null })
        .probe(),
  },
  {
    title: 'A pod comes and goes',
    write: (writer) =>
      writer
        .create(base)
        .probe()
        .createPod('x/d', { ns: 'x', node: 'node-2', host: 42 })
        .probe()
        .deletePod('x/d')
        .probe(),
  },
  {
    title: 'A pod gets a label that a policy allows, and loses it',
    write: (writer) =>
      writer
        .create(laterPod)
        .probe()
        .labelPod('y/b', { 'new-label': 'abc' })
        .probe()
        .labelPod('y/b', { 'new-label': null })
        .probe(),
  },
];

const onlyTcp81: Policy = {
  namespace: 'x',
  name: 'allow-all',
  target: targets.all,
  ingress: [{ ports: [named(undefined, { port: 81, protocol: 'TCP' })] }],
};

/** The last three steps change nothing and must show the same. */
export const exampleCases: readonly Untold[] = [
  {
    title: 'One named port, while a namespace and a pod come and go',
    write: (writer) =>
      writer
        .create(onlyTcp81)
        .probe()
        .createNamespace('w', 'w')
        .createPod('w/a', { ns: 'w', node: 'node-1', host: 43 })
        .probe()
        .deletePod('w/a')
        .probe()
        .deleteNamespace('w')
        .probe()
        .probe()
        .probe()
        .probe(),
  },
];

/** What happens to a cluster and to the nodes that follow it, as data. */
import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import type { Cluster, Labels, Node, Service } from '../../../src/objects/model.ts';
import { arbitraryBlueprint, arbitraryLabels, buildCluster } from '../../generate/cluster.ts';
import type { Blueprint } from '../../generate/cluster.ts';
import { arbitraryEdit, edited } from '../../generate/edit.ts';
import type { Edit } from '../../generate/edit.ts';
import { arbitraryFlowSeed } from '../../generate/flow.ts';
import type { FlowSeed } from '../../generate/flow.ts';
import { address, cidr, namespaceNames, nodeNames } from '../../generate/universe.ts';

type Happening =
  | Edit
  /** The Node object; labels undefined: it is gone, its pods are not. */
  | { readonly kind: 'node'; readonly name: string; readonly labels: Labels | undefined }
  /** The Node object has other pod ranges, which cut through blocks, nodes and each other. */
  | { readonly kind: 'ranges'; readonly name: string; readonly podRanges: readonly string[] }
  /** The Namespace object is gone, or back, and its pods are not. */
  | { readonly kind: 'declared'; readonly namespace: string; readonly isDeclared: boolean }
  | { readonly kind: 'services'; readonly count: number };

export interface Step {
  /** At once. */
  readonly happenings: readonly Happening[];
  /** The node whose datapath has no room for it. */
  readonly refusedBy?: string | undefined;
  /** The node that is followed from now on if it was not, and no longer if it was. */
  readonly toggled?: string | undefined;
  /** Objects that did not change are the same objects, as they are from a source that watches. */
  readonly keepsObjects: boolean;
}

export interface History {
  readonly blueprint: Blueprint;
  readonly steps: readonly Step[];
  /** Rows that the tables of each node have room for. */
  readonly room: number;
  readonly flows: readonly FlowSeed[];
}

const arbitraryNodeName = fc.constantFrom(...nodeNames);

const podRanges = [
  '10.244.1.0/24',
  '10.244.0.0/16',
  '10.244.1.1/32',
  '10.0.0.0/8',
  '0.0.0.0/0',
  'fd00:244:1::/64',
  '::/0',
] as const;

const arbitraryHappening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 8, arbitrary: arbitraryEdit },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('ranges' as const),
      name: arbitraryNodeName,
      podRanges: fc.uniqueArray(fc.constantFrom(...podRanges), { maxLength: 2 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('declared' as const),
      namespace: fc.constantFrom(...namespaceNames),
      isDeclared: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('node' as const),
      name: arbitraryNodeName,
      labels: fc.option(arbitraryLabels, { nil: undefined }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('services' as const), count: fc.nat(3) }) },
);

const arbitraryStep: fc.Arbitrary<Step> = fc.record({
  happenings: fc.array(arbitraryHappening, { minLength: 1, maxLength: 4 }),
  refusedBy: fc.option(arbitraryNodeName, { freq: 4, nil: undefined }),
  toggled: fc.option(arbitraryNodeName, { freq: 6, nil: undefined }),
  keepsObjects: fc.boolean(),
});

export const arbitraryHistory: fc.Arbitrary<History> = fc.record({
  blueprint: arbitraryBlueprint,
  steps: fc.array(arbitraryStep, { minLength: 1, maxLength: 12, size: 'max' }),
  room: fc.oneof(
    { weight: 3, arbitrary: fc.constant(10_000) },
    { weight: 1, arbitrary: fc.integer({ min: 10, max: 80 }) },
  ),
  flows: fc.array(arbitraryFlowSeed, { minLength: 10, maxLength: 30 }),
});

export interface Moment {
  readonly blueprint: Blueprint;
  /** Labels of the Node objects that are there. */
  readonly nodes: ReadonlyMap<string, Labels>;
  /** Of nodes that have others than at first. */
  readonly podRanges: ReadonlyMap<string, readonly string[]>;
  readonly undeclared: ReadonlySet<string>;
  readonly services: number;
}

export function firstMoment(blueprint: Blueprint): Moment {
  const nodes = new Map(nodeNames.map((name) => [name, {}]));
  return { blueprint, nodes, podRanges: new Map(), undeclared: new Set(), services: 0 };
}

export function after(moment: Moment, happening: Happening): Moment {
  switch (happening.kind) {
    case 'node': {
      const nodes = new Map(moment.nodes);
      if (happening.labels) nodes.set(happening.name, happening.labels);
      else nodes.delete(happening.name);
      return { ...moment, nodes };
    }
    case 'ranges': {
      const { name, podRanges: own } = happening;
      return { ...moment, podRanges: new Map([...moment.podRanges, [name, own]]) };
    }
    case 'declared': {
      const undeclared = new Set(moment.undeclared);
      if (happening.isDeclared) undeclared.delete(happening.namespace);
      else undeclared.add(happening.namespace);
      return { ...moment, undeclared };
    }
    case 'services':
      return { ...moment, services: happening.count };
    case 'pod':
    case 'no-pod':
    case 'namespace':
    case 'policy':
    case 'no-policy':
      return { ...moment, blueprint: edited(moment.blueprint, happening) };
  }
}

/** Of objects that are as they were in `before`, the same ones. */
export function clusterAt(moment: Moment, before?: Cluster): Cluster {
  const { blueprint, nodes, undeclared, services } = moment;
  const built = buildCluster(blueprint);
  const present = [...built.nodes.values()].flatMap((node): Node[] => {
    const labels = nodes.get(node.name);
    const podCIDRs = moment.podRanges.get(node.name)?.map(cidr) ?? node.podCIDRs;
    return labels ? [{ ...node, podCIDRs, labels: { ...node.labels, ...labels } }] : [];
  });
  const declared = [...built.namespaces].filter(([name]) => !undeclared.has(name));
  return {
    ...built,
    namespaces: kept(before?.namespaces, new Map(declared)),
    pods: kept(before?.pods, built.pods),
    networkPolicies: kept(before?.networkPolicies, built.networkPolicies),
    nodes: kept(before?.nodes, new Map(present.map((node) => [node.name, node]))),
    services: new Map(Array.from({ length: services }, (_, index) => serviceOf(index))),
  };
}

function kept<T>(
  before: ReadonlyMap<string, T> | undefined,
  now: ReadonlyMap<string, T>,
): ReadonlyMap<string, T> {
  return new Map(
    [...now].map(([key, value]) => {
      const was = before?.get(key);
      return [key, was !== undefined && isDeepStrictEqual(was, value) ? was : value];
    }),
  );
}

function serviceOf(index: number): [string, Service] {
  const key = `a/s${index}`;
  return [
    key,
    {
      key,
      namespace: 'a',
      name: `s${index}`,
      type: 'ClusterIP',
      clusterIPs: [address(`10.96.0.${index + 1}`)],
      headless: false,
      selector: { app: 'x' },
      ports: [],
      position: { file: 'services.yaml', line: index + 1, column: 1 },
    },
  ];
}

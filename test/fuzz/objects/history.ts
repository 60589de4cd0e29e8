/** What an API server says of a cluster, object by object, some of them as none should be. */
import * as fc from 'fast-check';
import { parse } from 'yaml';
import { arbitraryFlowSeed } from '../../generate/flow.ts';
import type { FlowSeed } from '../../generate/flow.ts';
import { arbitraryChoices } from '../manifests/choice.ts';
import type { Choices } from '../manifests/choice.ts';
import { isFields, mutateFields } from '../manifests/object-mutations.ts';
import type { Fields } from '../manifests/object-mutations.ts';
import { corpusPods, seedDocuments } from '../manifests/seeds.ts';

export type ResourceName = 'namespaces' | 'nodes' | 'pods' | 'networkPolicies';

export interface Told {
  readonly resource: ResourceName;
  readonly namespace: string;
  readonly name: string;
  /** As JSON brings it; absent: it is gone. */
  readonly object?: Fields | undefined;
}

export interface Step {
  readonly told: readonly Told[];
  /** The datapath takes nothing. */
  readonly isRefused: boolean;
}

export interface ObjectHistory {
  /** Port entries that the datapath has room for. */
  readonly room: number;
  readonly steps: readonly Step[];
  readonly flows: readonly FlowSeed[];
}

const resources: Readonly<Record<string, ResourceName>> = {
  Namespace: 'namespaces',
  Node: 'nodes',
  Pod: 'pods',
  NetworkPolicy: 'networkPolicies',
};

function toldBy(text: string): Told[] {
  const { apiVersion: _, kind, ...object } = parse(text) as Fields;
  const resource = resources[String(kind)];
  const metadata = object['metadata'];
  if (!resource || !isFields(metadata)) return [];
  const isNamespaced = resource === 'pods' || resource === 'networkPolicies';
  const { namespace = 'default', name } = metadata;
  if (typeof namespace !== 'string' || typeof name !== 'string') return [];
  return [{ resource, namespace: isNamespaced ? namespace : '', name, object }];
}

const nodes = ['n1', 'n2'].map((name, index): Told => {
  const ranges = [`10.244.${index + 1}.0/24`, `fd00:10:244:${index + 1}::/64`];
  const addresses = [{ type: 'InternalIP', address: `192.0.2.${index + 1}` }];
  const object = { metadata: { name }, spec: { podCIDRs: ranges }, status: { addresses } };
  return { resource: 'nodes', namespace: '', name, object };
});

/** Those of the corpus, all on the first node. */
const pods = corpusPods.flatMap(toldBy).map((told): Told => {
  const { spec, ...rest } = told.object ?? {};
  return isFields(spec) ? { ...told, object: { ...rest, spec: { ...spec, nodeName: 'n1' } } } : told;
});

const policies = seedDocuments.flatMap(toldBy).filter(({ resource }) => resource === 'networkPolicies');

const world: readonly Told[] = [...nodes, ...pods];

/** The object as the server would hand it out if it let everything pass but a name that is none. */
function mutatedObject(told: Told, mutations: readonly Choices[]): Told {
  const holder: unknown[] = [structuredClone(told.object)];
  for (const choices of mutations) mutateFields(holder, choices);
  const [value] = JSON.parse(JSON.stringify(holder)) as unknown[];
  const object = isFields(value) ? value : {};
  const metadata = isFields(object['metadata']) ? object['metadata'] : {};
  const { namespace, name } = told;
  const named = { ...metadata, name, ...(namespace === '' ? {} : { namespace }) };
  return { ...told, object: { ...object, metadata: named } };
}

const arbitraryTold: fc.Arbitrary<Told> = fc
  .record({
    told: fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(...policies) },
      { weight: 1, arbitrary: fc.constantFrom(...world) },
    ),
    mutations: fc.array(arbitraryChoices, { maxLength: 2 }),
    isGone: fc.integer({ min: 0, max: 9 }).map((number) => number === 9),
  })
  .map(({ told, mutations, isGone }) =>
    isGone ? { ...told, object: undefined } : mutatedObject(told, mutations),
  );

const arbitraryStep: fc.Arbitrary<Step> = fc.record({
  told: fc.array(arbitraryTold, { minLength: 1, maxLength: 6 }),
  isRefused: fc.integer({ min: 0, max: 7 }).map((number) => number === 7),
});

export const arbitraryObjects: fc.Arbitrary<ObjectHistory> = fc.record({
  room: fc.oneof(fc.constant(10_000), fc.nat(30)),
  steps: fc
    .array(arbitraryStep, { minLength: 1, maxLength: 4 })
    .map((steps) => [{ told: world, isRefused: false }, ...steps]),
  flows: fc.array(arbitraryFlowSeed, { minLength: 10, maxLength: 20 }),
});

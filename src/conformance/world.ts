/** The cluster of a case at one step: what has been created so far, and the objects that it comes to. Immutable. */
import { parseAddress } from '../objects/ip.ts';
import type { Address, IpFamily } from '../objects/ip.ts';
import type { ManifestObject } from '../objects/manifest.ts';
import type { Labels } from '../objects/model.ts';
import { parseManifests } from '../sources/manifests.ts';
import type { Case, Change, PodBody, Stack } from './case.ts';
import { stacks } from './case.ts';
import { invalid } from './fields.ts';
import {
  namespaceManifest,
  nodeManifest,
  podManifest,
  policyManifest,
  serviceManifest,
} from './manifests.ts';
import type { PodState } from './manifests.ts';
import { hostAddresses, podAddresses } from './models.ts';
import type { ModelNode, Models } from './models.ts';
import { fillIn } from './placeholders.ts';

interface Contents {
  readonly namespaces: ReadonlyMap<string, Labels>;
  readonly pods: ReadonlyMap<string, PodState>;
  readonly policies: ReadonlyMap<string, PolicyState>;
}

interface PolicyState {
  readonly manifest: unknown;
  /** Decoded when it is created, so that one which the API would refuse is refused. */
  readonly object: ManifestObject;
}

export class World {
  readonly families: readonly IpFamily[];
  readonly #case: Case;
  readonly #models: Models;
  readonly #contents: Contents;

  private constructor(options: {
    case: Case;
    models: Models;
    families: readonly IpFamily[];
    contents: Contents;
  }) {
    this.#case = options.case;
    this.#models = options.models;
    this.families = options.families;
    this.#contents = options.contents;
  }

  /** The case's cluster before its first step. */
  static before(given: Case, models: Models, stack: Stack): World {
    const namespaces = new Map<string, Labels>();
    const pods = new Map<string, PodState>();
    for (const key of given.pods) {
      const place = models.pods.get(key);
      if (!place) throw invalid(given.id, `models.yaml has no pod ${key}`);
      const [namespace = '', name = ''] = key.split('/');
      namespaces.set(namespace, { ns: namespace });
      const { ports } = given;
      pods.set(key, { ...place, ports, labels: { pod: name }, hostNetwork: false, phase: 'Running' });
    }
    const contents = { namespaces, pods, policies: new Map() };
    return new World({ case: given, models, families: stacks[stack], contents });
  }

  /** Throws BulkheadError what the API server would say to it, or CONFORMANCE_CASE_INVALID. */
  apply(change: Change): World {
    const { namespaces, pods, policies } = this.#contents;
    const place = `${this.#case.id}: ${change.verb} ${change.kind} ${change.name}`;
    const exists = { namespace: namespaces, pod: pods, policy: policies }[change.kind].has(change.name);
    if ((change.verb === 'create') === exists)
      throw invalid(place, exists ? 'it exists already' : 'there is no such object');
    const [namespace = ''] = change.name.split('/');
    if (change.kind !== 'namespace' && !namespaces.has(namespace))
      throw invalid(place, `there is no namespace ${namespace}`);

    if (change.verb === 'delete') return this.#delete(change);
    if (change.verb === 'label') return this.#label(change);
    if (change.kind === 'namespace')
      return this.#with({ namespaces: new Map([...namespaces, [change.name, change.labels]]) });
    if (change.kind === 'pod')
      return this.#with({
        pods: new Map([...pods, [change.name, this.#pod(change.name, change.body, place)]]),
      });
    const spec = fillIn(change.body.spec, (name) => this.primaryAddress(name), place);
    const manifest = policyManifest(change.name, { ...change.body, spec: spec as typeof change.body.spec });
    const policy = { manifest, object: decode(manifest) };
    return this.#with({ policies: new Map([...policies, [change.name, policy]]) });
  }

  /** Keyed as sources/manifests.ts does; an object that is as it was is the same object. */
  objects(): ReadonlyMap<string, ManifestObject> {
    const { namespaces, pods, policies } = this.#contents;
    const manifests = [
      ...this.#models.nodes.entries().map(([name, node]) => nodeManifest(name, this.#ofFamilies(node))),
      ...namespaces.entries().map(([name, labels]) => namespaceManifest(name, labels)),
      ...pods.entries().flatMap(([key, pod]) => this.#podManifests(key, pod)),
    ];
    const objects = [...manifests.map(decode), ...policies.values().map(({ object }) => object)];
    return new Map(objects.map((object) => [`${object.kind}/${object.namespace}/${object.name}`, object]));
  }

  /** As they would be given to an API server, by `namespace/name`. */
  policyManifests(): ReadonlyMap<string, unknown> {
    return new Map(this.#contents.policies.entries().map(([key, { manifest }]) => [key, manifest]));
  }

  /** In the cluster's first family, of a pod, `service:` of a pod, a node, an outside point, or `any`: zero. */
  primaryAddress(name: string): Address | undefined {
    const [primary = 4] = this.families;
    if (name === 'any') return parseAddress(primary === 4 ? '0.0.0.0' : '::');
    const [, service, key = ''] = /^(service:)?(.*)$/.exec(name) ?? [];
    const pod = this.#contents.pods.get(key);
    if (pod) {
      const { pods, services } = this.#node(pod.node);
      if (service) return hostAddresses(services, pod.host, [primary])[0];
      return podAddresses(pod, pods, [primary])[0];
    }
    const addresses = this.#models.nodes.get(name)?.addresses ?? this.#models.outside.get(name);
    return addresses?.find(({ family }) => family === primary);
  }

  isOutside(name: string): boolean {
    return this.#models.outside.has(name);
  }

  /** Of an outside point, in the cluster's families. */
  outsideAddresses(name: string): readonly Address[] {
    const addresses = this.#models.outside.get(name) ?? [];
    return addresses.filter(({ family }) => this.families.includes(family));
  }

  #with(contents: Partial<Contents>): World {
    return new World({
      case: this.#case,
      models: this.#models,
      families: this.families,
      contents: { ...this.#contents, ...contents },
    });
  }

  #delete({ kind, name }: Extract<Change, { verb: 'delete' }>): World {
    const { namespaces, pods, policies } = this.#contents;
    const gone = (key: string) => (kind === 'namespace' ? key.startsWith(`${name}/`) : key === name);
    return this.#with({
      namespaces: kind === 'namespace' ? new Map(without(namespaces, (key) => key === name)) : namespaces,
      pods: kind === 'policy' ? pods : new Map(without(pods, gone)),
      policies: kind === 'pod' ? policies : new Map(without(policies, gone)),
    });
  }

  #label({ kind, name, labels: changes }: Extract<Change, { verb: 'label' }>): World {
    const { namespaces, pods } = this.#contents;
    const relabel = (labels: Labels): Labels =>
      Object.fromEntries(
        Object.entries({ ...labels, ...changes }).filter(
          (entry): entry is [string, string] => entry[1] !== null,
        ),
      );
    if (kind === 'namespace')
      return this.#with({
        namespaces: new Map([...namespaces, [name, relabel(namespaces.get(name) ?? {})]]),
      });
    const pod = pods.get(name);
    if (!pod) return this;
    return this.#with({ pods: new Map([...pods, [name, { ...pod, labels: relabel(pod.labels) }]]) });
  }

  #pod(key: string, body: PodBody, place: string): PodState {
    const { ports } = this.#case;
    const [, name = ''] = key.split('/');
    const before: Partial<PodState> | undefined = this.#contents.pods.get(key) ?? this.#models.pods.get(key);
    const fresh = { ports, labels: { pod: name }, hostNetwork: false, phase: 'Running' };
    const { node, host, addresses, ...rest } = { ...fresh, ...before, ...body };
    if (node === undefined || host === undefined) throw invalid(place, 'needs a node and a host');
    const isWhereItWas = addresses !== undefined && body.host === undefined;
    return { node, host, ...rest, ...(isWhereItWas ? { addresses } : {}) };
  }

  #podManifests(key: string, pod: PodState): unknown[] {
    const node = this.#node(pod.node);
    const own = podManifest(key, pod, podAddresses(pod, node.pods, this.families));
    const isOver = pod.phase === 'Succeeded' || pod.phase === 'Failed';
    if (pod.hostNetwork || isOver || pod.ports.length === 0) return [own];
    return [own, serviceManifest(key, pod, hostAddresses(node.services, pod.host, this.families))];
  }

  #node(name: string): ModelNode {
    const node = this.#models.nodes.get(name);
    if (!node) throw invalid(this.#case.id, `models.yaml has no node ${name}`);
    return node;
  }

  #ofFamilies(node: ModelNode): ModelNode {
    const here = ({ family }: { family: IpFamily }) => this.families.includes(family);
    return {
      addresses: node.addresses.filter(here),
      pods: node.pods.filter(here),
      services: node.services.filter(here),
    };
  }
}

function without<T>(map: ReadonlyMap<string, T>, gone: (key: string) => boolean): [string, T][] {
  return [...map].filter(([key]) => !gone(key));
}

/** By the text of the manifest: cases share most of their objects, and engines tell changes by identity. */
const decoded = new Map<string, ManifestObject>();

function decode(manifest: unknown): ManifestObject {
  const text = JSON.stringify(manifest);
  const known = decoded.get(text);
  if (known) return known;
  const [object] = parseManifests(text, 'conformance case').objects.values();
  if (!object) throw new Error(`not an object that Bulkhead knows: ${text}`);
  decoded.set(text, object);
  return object;
}

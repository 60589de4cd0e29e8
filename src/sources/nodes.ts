/** The nodes of the cluster: declared ones, those that pods name, and simulated ones where these are too few. */
import { BulkheadError, failure } from '../errors.ts';
import {
  cidrContains,
  parseAddress,
  parseCidr,
  type Address,
  type Cidr,
  type IpFamily,
} from '../objects/ip.ts';
import type { ManifestObject } from '../objects/manifest.ts';
import type { Cluster, Node } from '../objects/model.ts';
import type { NodeManifest } from '../objects/node.ts';
import type { PodDraft } from './controllers.ts';

/** Of the 253 pod addresses of a simulated node, how many are planned for. */
const podsPerNode = 200;

/** 10.244.0.0 to 10.255.255.255 in pieces of 256, without the first. */
const maxNodes = 12 * 256 - 1;

interface NodeAddresses {
  readonly addresses: readonly Address[];
  readonly podCIDRs: readonly Cidr[];
}

export interface NodeOptions {
  readonly families: readonly IpFamily[];
  /** How many nodes there are at least, unless Node objects are declared. */
  readonly nodes: number;
}

/** Sorted by name. A node of `previous` that nobody declares stays as it is, pods or not. */
export function makeNodes(
  objects: ReadonlyMap<string, ManifestObject>,
  drafts: readonly PodDraft[],
  options: NodeOptions,
  previous?: Cluster,
): ReadonlyMap<string, Node> {
  const declared = [...objects.values()].filter((object): object is NodeManifest => object.kind === 'Node');
  const simulation = new Simulation(options.families, declared);
  const nodes = new Map<string, Node>();
  const declaredNames = new Set(declared.map(({ name }) => name));
  for (const node of previous?.nodes.values() ?? []) {
    if (declaredNames.has(node.name) || node.position) continue;
    simulation.claim(node);
    nodes.set(node.name, node);
  }
  for (const node of declared) nodes.set(node.name, simulation.complete(node));
  for (const { nodeName, hostAddresses } of drafts) {
    if (nodeName !== undefined && !nodes.has(nodeName))
      nodes.set(nodeName, simulation.make(nodeName, hostAddresses));
  }
  if (declared.length === 0) {
    const free = drafts.filter(({ nodeName }) => nodeName === undefined).length;
    const wanted = Math.max(options.nodes, 1, Math.ceil(free / podsPerNode));
    for (let number = 1; nodes.size < wanted; number += 1) {
      const name = `node-${number}`;
      if (!nodes.has(name)) nodes.set(name, simulation.make(name, []));
    }
  }
  return new Map([...nodes].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Addresses for nodes that have none: node N is 172.18.0.N with the pods 10.244.N.0/24, and so in IPv6. */
class Simulation {
  readonly #families: readonly IpFamily[];
  readonly #addresses = new Set<string>();
  readonly #podCIDRs: Cidr[] = [];
  #next = 1;

  constructor(families: readonly IpFamily[], declared: readonly NodeManifest[]) {
    this.#families = families;
    for (const node of declared) this.claim(node);
  }

  claim(node: Pick<Node, 'addresses' | 'podCIDRs'>): void {
    for (const address of node.addresses) this.#addresses.add(address.text);
    this.#podCIDRs.push(...node.podCIDRs);
  }

  /** A declared node, with what its manifest leaves open filled in. */
  complete(node: NodeManifest): Node {
    const { name, labels, position } = node;
    const ofFamily = ({ family }: { family: IpFamily }): boolean => this.#families.includes(family);
    const [addresses, podCIDRs] = [node.addresses.filter(ofFamily), node.podCIDRs.filter(ofFamily)];
    const lacks = (list: readonly { family: IpFamily }[]): IpFamily[] =>
      this.#families.filter((wanted) => !list.some(({ family }) => family === wanted));
    if (lacks(addresses).length === 0 && lacks(podCIDRs).length === 0) {
      return { name, labels, addresses, podCIDRs, position };
    }
    const simulated = this.make(name, []);
    return {
      name,
      labels,
      addresses: [
        ...addresses,
        ...simulated.addresses.filter(({ family }) => lacks(addresses).includes(family)),
      ],
      podCIDRs: [...podCIDRs, ...simulated.podCIDRs.filter(({ family }) => lacks(podCIDRs).includes(family))],
      position,
    };
  }

  /** A node of its own; `known` are addresses that its pods' status tells. */
  make(name: string, known: readonly Address[]): Node {
    const { addresses, podCIDRs } = this.#free(name);
    const node: Node = {
      name,
      labels: { 'kubernetes.io/hostname': name },
      addresses: addresses.map((address) => known.find(({ family }) => family === address.family) ?? address),
      podCIDRs,
    };
    this.claim(node);
    return node;
  }

  /** The addresses of node-N are number N if they are free, those of other nodes the next ones that are. */
  #free(name: string): NodeAddresses {
    const preferred = Number(/^node-([1-9]\d{0,3})$/.exec(name)?.[1] ?? 0);
    if (preferred >= 1 && preferred <= maxNodes) {
      const candidate = this.#numbered(preferred);
      if (this.#isFree(candidate)) return candidate;
    }
    for (; this.#next <= maxNodes; this.#next += 1) {
      const candidate = this.#numbered(this.#next);
      if (this.#isFree(candidate)) return candidate;
    }
    throw new BulkheadError(
      failure('NODE_ADDRESSES_EXHAUSTED', `no addresses are left for node ${name}`, {
        hint: `At most ${maxNodes} nodes can be simulated; declare Node objects with podCIDRs for more.`,
      }),
    );
  }

  #isFree({ addresses, podCIDRs }: NodeAddresses): boolean {
    return (
      !addresses.some(({ text }) => this.#addresses.has(text)) &&
      !podCIDRs.some((cidr) => this.#podCIDRs.some((other) => overlap(cidr, other)))
    );
  }

  #numbered(number: number): NodeAddresses {
    const [high, low, hex] = [number >> 8, number & 255, number.toString(16)];
    const has = (family: IpFamily): boolean => this.#families.includes(family);
    const addresses = [
      has(4) ? parseAddress(`172.18.${high}.${low}`) : undefined,
      has(6) ? parseAddress(`fd00:172:18::${hex}`) : undefined,
    ];
    const podCIDRs = [
      has(4) ? parseCidr(`10.${244 + high}.${low}.0/24`) : undefined,
      has(6) ? parseCidr(`fd00:10:244:${hex}::/64`) : undefined,
    ];
    return {
      addresses: addresses.filter((address) => address !== undefined),
      podCIDRs: podCIDRs.filter((cidr) => cidr !== undefined),
    };
  }
}

function overlap(a: Cidr, b: Cidr): boolean {
  return a.prefixLength <= b.prefixLength ? cidrContains(a, asAddress(b)) : cidrContains(b, asAddress(a));
}

function asAddress({ family, bits, text }: Cidr): Address {
  return { family, bits, text };
}

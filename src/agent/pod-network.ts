/** How this node's pods are linked to it, as far as enforcement depends on that; found out again now and then. */
import type { IpFamily } from '../objects/ip.ts';
import type { Node } from '../objects/model.ts';
import { bridgeObstacle } from './bridge-netfilter.ts';
import { readCniShape } from './cni.ts';
import type { CniShape } from './cni.ts';
import type { Condition } from './health.ts';
import type { LogFields } from './log.ts';
import type { AgentOptions } from './options.ts';

export interface PodNetwork {
  readonly shape: CniShape;
  /** What the names of pods' interfaces begin with; undefined: unknown. */
  readonly prefix: string | undefined;
  readonly fields: LogFields;
  /** Looks again; true if `prefix` is another one now. */
  refresh(): boolean;
  /** Which families the pods have. */
  know(node: Node): void;
  condition(): Omit<Condition, 'since'>;
}

type Options = Pick<AgentOptions, 'podInterfaces' | 'cniDirectory' | 'startup'>;

/** `bridgeSettings`: /proc/sys/net/bridge of the node's namespace. */
export function readPodNetwork(options: Options, bridgeSettings?: string): PodNetwork {
  return new NodePodNetwork(options, bridgeSettings);
}

class NodePodNetwork implements PodNetwork {
  readonly #options: Options;
  readonly #bridgeSettings: string | undefined;
  #shape: CniShape;
  #families: readonly IpFamily[] = [4];

  constructor(options: Options, bridgeSettings: string | undefined) {
    this.#options = options;
    this.#bridgeSettings = bridgeSettings;
    this.#shape = readCniShape(options.cniDirectory);
  }

  get shape(): CniShape {
    return this.#shape;
  }

  get prefix(): string | undefined {
    const { podInterfaces } = this.#options;
    if (podInterfaces === 'none') return undefined;
    return podInterfaces === 'auto' ? this.#shape.podInterfaces : podInterfaces;
  }

  get fields(): LogFields {
    const { file, plugins, gate } = this.#shape;
    return { cni: file, plugins: plugins.join('+'), podInterfaces: this.prefix, gate };
  }

  refresh(): boolean {
    const before = this.prefix;
    this.#shape = readCniShape(this.#options.cniDirectory);
    return this.prefix !== before;
  }

  know({ podCIDRs, addresses }: Node): void {
    const told = podCIDRs.length > 0 ? podCIDRs : addresses;
    if (told.length > 0) this.#families = [...new Set(told.map(({ family }) => family))];
  }

  condition(): Omit<Condition, 'since'> {
    const { bridge, file } = this.#shape;
    const obstacle =
      bridge === undefined ? undefined : bridgeObstacle(bridge, this.#families, this.#bridgeSettings);
    if (obstacle) {
      return { ok: false, reason: obstacle.code, message: `${obstacle.message}. ${obstacle.hint}` };
    }
    if (this.prefix !== undefined) {
      return {
        ok: true,
        reason: 'InterfacesKnown',
        message: `pods are behind interfaces named ${this.prefix}…`,
      };
    }
    const why = file === undefined ? 'there is no CNI configuration' : `${file} says nothing of it`;
    return {
      ok: true,
      reason: 'InterfacesUnknown',
      message: `what pods' interfaces are called is unknown (${why}): a pod is closed before it is known by the node's pod ranges alone`,
    };
  }
}

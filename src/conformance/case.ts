/** A conformance case as data; conformance/README.md describes how it is written. */
import type { IpFamily } from '../objects/ip.ts';
import type { Labels, Protocol } from '../objects/model.ts';

export interface Case {
  /** Unique in the corpus; `e2e-01`. */
  readonly id: string;
  /** What it belongs to, as `--family` selects: `e2e`, `cyclonus-peers`, `corner`. */
  readonly family: string;
  readonly title: string;
  /** The upstream test's own name. */
  readonly upstream?: string;
  /** Issues and pull requests that it stands for. */
  readonly refs: readonly string[];
  /** Pods that there are before the first step, `namespace/name`. */
  readonly pods: readonly string[];
  /** What each of them serves. */
  readonly ports: readonly PortSpec[];
  /** What is asked of every destination. */
  readonly probe: readonly ProbePort[];
  /** Nodes and outside addresses that take part, by name. */
  readonly points: readonly string[];
  readonly stacks: readonly Stack[];
  /** Whether a pod is asked to reach itself, too. */
  readonly loopback: boolean;
  /** Whether its policies let every pod that may connect at all ask the cluster's DNS. */
  readonly dns: boolean;
  readonly steps: readonly Step[];
}

/** The address families of a cluster: primary first. */
export const stacks = {
  ipv4: [4],
  ipv6: [6],
  dual: [4, 6],
} as const satisfies Readonly<Record<string, readonly IpFamily[]>>;
export type Stack = keyof typeof stacks;

export interface PortSpec {
  readonly protocol: Protocol;
  readonly port: number;
  /** `serve-80-tcp` unless the case gives another. */
  readonly name: string;
}

/** ICMP stands for an echo request of the family in question. */
export type ProbePort =
  { readonly protocol: Protocol; readonly port: number } | { readonly protocol: 'ICMP'; readonly port: 0 };

export interface Step {
  /** What this step shows, where that needs words. */
  readonly note?: string;
  readonly changes: readonly Change[];
  /** Changes that must be refused, and change nothing. */
  readonly refused: readonly Refusal[];
  readonly expect: readonly Expectation[];
}

export interface Refusal {
  readonly change: Change;
  /** Part of the message. */
  readonly because: string;
}

export type Change =
  | {
      readonly verb: 'create' | 'update';
      readonly kind: 'policy';
      readonly name: string;
      readonly body: PolicyBody;
    }
  | {
      readonly verb: 'create' | 'update';
      readonly kind: 'pod';
      readonly name: string;
      readonly body: PodBody;
    }
  | { readonly verb: 'create'; readonly kind: 'namespace'; readonly name: string; readonly labels: Labels }
  /** null takes a label away. */
  | {
      readonly verb: 'label';
      readonly kind: 'pod' | 'namespace';
      readonly name: string;
      readonly labels: Readonly<Record<string, string | null>>;
    }
  | { readonly verb: 'delete'; readonly kind: 'policy' | 'pod' | 'namespace'; readonly name: string };

/** The spec as it stands in a manifest, with placeholders for addresses. */
export interface PolicyBody {
  readonly apiVersion: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly spec: Readonly<Record<string, unknown>>;
}

/** What is absent is as before (update), or as models.yaml and the case say (create). */
export interface PodBody {
  readonly node?: string;
  /** Number of its address in its node's range. */
  readonly host?: number;
  readonly labels?: Labels;
  readonly ports?: readonly PortSpec[];
  readonly hostNetwork?: boolean;
  readonly phase?: string;
}

/** One line of a truth table; of those that fit a cell the last one decides, and without any it is allowed. */
export interface Expectation {
  /** As it was written. */
  readonly text: string;
  readonly allow: boolean;
  readonly from: readonly string[];
  readonly to: readonly string[];
  /** Absent: all. */
  readonly on?: readonly string[];
  readonly exceptOn?: readonly string[];
  /** The family of the packet: by number, or by its place in the stack. */
  readonly over?: 'primary' | 'secondary' | IpFamily;
}

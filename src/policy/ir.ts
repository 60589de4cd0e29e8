/**
 * The policy IR that every dialect is translated into: policies that select subjects and contribute rules to tiers.
 *
 * A subject pod sees, per direction, an ordered list of tiers. Within a tier the rules of all policies that select
 * the pod are concatenated (by `order`, then id) and the first match decides; `pass` goes on to the next tier. If
 * nothing in the tier matches, the tier denies when any selecting policy's section defaults to `deny`, else the next
 * tier is asked. After the last tier: allow.
 */
import type { Position } from '../errors.ts';
import type { Cidr } from '../objects/ip.ts';
import type { LabelSelector, Protocol } from '../objects/model.ts';

export type Direction = 'ingress' | 'egress';
export type Action = 'allow' | 'deny' | 'pass';

/** Where a rule or an isolation comes from, down to the line of YAML. */
export interface Origin {
  readonly dialect: 'NetworkPolicy';
  readonly namespace: string;
  readonly name: string;
  readonly direction: Direction;
  /** Index in the policy's `ingress` or `egress` list; absent when the whole policy is meant (default deny). */
  readonly ruleIndex?: number;
  readonly position: Position;
}

/** Which namespaces: one by name, or all whose labels match. */
export type NamespaceMatch =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'selector'; readonly selector: LabelSelector };

/** Pods of the matching namespaces whose labels match; never hostNetwork and never terminal pods. */
export interface PodMatch {
  readonly namespaces: NamespaceMatch;
  readonly pods: LabelSelector;
}

export type Peer =
  | ({ readonly kind: 'pods'; readonly position: Position } & PodMatch)
  | {
      readonly kind: 'ipBlock';
      readonly cidr: Cidr;
      readonly except: readonly Cidr[];
      readonly position: Position;
    };

export type PortMatch =
  | { readonly kind: 'all'; readonly protocol: Protocol; readonly position: Position }
  /** Inclusive; a single port has from = to. */
  | {
      readonly kind: 'range';
      readonly protocol: Protocol;
      readonly from: number;
      readonly to: number;
      readonly position: Position;
    }
  /** Resolved on the destination pod of the flow, whatever the direction; protocol must match too. */
  | {
      readonly kind: 'named';
      readonly protocol: Protocol;
      readonly name: string;
      readonly position: Position;
    };

export interface Rule {
  readonly origin: Origin;
  readonly action: Action;
  /** ORed; `any` also matches addresses outside the cluster. An empty list matches nothing. */
  readonly peers: 'any' | readonly Peer[];
  /** ORed; `any` matches every protocol, ICMP included. An empty list matches nothing. */
  readonly ports: 'any' | readonly PortMatch[];
}

export interface Section {
  readonly rules: readonly Rule[];
  readonly default: 'deny' | 'next';
  /** Names the policy as a whole, for explaining its default. */
  readonly origin: Origin;
}

export interface Policy {
  /** Unique and stable: `NetworkPolicy/namespace/name`. */
  readonly id: string;
  /** Tiers are asked in ascending order; NetworkPolicy is `networkPolicyTier`. */
  readonly tier: number;
  /** Within the tier, ascending; ties by id. */
  readonly order: number;
  readonly subject: PodMatch;
  /** Absent: the policy says nothing about this direction. */
  readonly ingress?: Section;
  readonly egress?: Section;
}

/** Leaves room for admin tiers before and baseline tiers after. */
export const networkPolicyTier = 1000;

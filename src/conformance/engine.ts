/**
 * What judges the corpus. An engine is one file in engines/ and one line in engines.ts; it learns nothing of cases and
 * expectations, only states to bring about and flows to judge.
 */
import type { IpFamily } from '../objects/ip.ts';
import type { ManifestObject } from '../objects/manifest.ts';
import type { Cluster } from '../objects/model.ts';
import type { Policy } from '../policy/ir.ts';
import type { End } from './cells.ts';
import type { Case, Change, ProbePort } from './case.ts';
import type { Models } from './models.ts';
import type { Flow } from '../policy/verdict.ts';

export interface Engine {
  readonly name: string;
  /** One line for help: what the verdicts come from. */
  readonly summary: string;
  /** Whether it can call pods through their Services. */
  readonly callsServices: boolean;
  /** Throws BulkheadError where this machine lacks what it needs. */
  open(options: EngineOptions): Promise<EngineSession>;
}

export interface EngineOptions {
  /** Of the cluster that the session is for. */
  readonly families: readonly IpFamily[];
  /** What the clusters of all cases are made of. */
  readonly models: Models;
  /** Names of all nodes that clusters will have. */
  readonly nodes: readonly string[];
  /** How pods are addressed, for engines that send packets through Services. */
  readonly via: Via;
  /** Says what takes so long. */
  readonly onProgress: (text: string) => void;
}

/** `pod-ip`: the pod itself; `service-ip`: its Service's address and port; `service-name`: that, found by DNS. */
export const vias = ['pod-ip', 'service-ip', 'service-name'] as const;
export type Via = (typeof vias)[number];

/** One session serves all cases of one stack, one after the other, so every case starts from what another left. */
export interface EngineSession {
  /**
   * Comes before a case, where others decide on which nodes and at which addresses pods are: the models as they are there.
   * Throws Unsuitable for a case that this can't be done for.
   */
  prepare?(given: Case): Promise<Models>;
  /** Tries a change that must be refused, where somebody else than our own decoder decides: the reason, if it was. */
  refusal?(change: Change): Promise<string | undefined>;
  /** Makes this what is enforced. Throws Unsuitable where somebody else won't have it. */
  apply(state: EngineState): Promise<void>;
  /** Answers in the order of the questions. */
  judge(questions: readonly Question[]): Promise<readonly Answer[]>;
  close(): Promise<void>;
}

/** This case can't be judged here; no fault of anybody. */
export class Unsuitable extends Error {}

export interface EngineState {
  readonly objects: ReadonlyMap<string, ManifestObject>;
  /** As they would be given to an API server, by `namespace/name`. */
  readonly policyManifests: ReadonlyMap<string, unknown>;
  readonly cluster: Cluster;
  readonly policies: readonly Policy[];
}

export interface Question {
  readonly from: End;
  readonly to: End;
  readonly port: ProbePort;
  readonly family: IpFamily;
  /** As it is judged: after destination NAT. */
  readonly flow: Flow;
  /** What the case expects. Not to be believed; packets that should have been answered may be sent again. */
  readonly expected: 'allowed' | 'denied';
}

export type Answer =
  | { readonly verdict: 'allowed' | 'denied' }
  /** Neither: an answer that no policy can explain, such as that of another pod. */
  | { readonly verdict: 'wrong'; readonly detail: string }
  | { readonly verdict: 'skipped'; readonly reason: string };

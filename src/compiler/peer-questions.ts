/**
 * What the peers of a rule ask of an address. All its blocks without holes are one question: whoever is in one of a
 * rule's thousand blocks is the same to it, so that they tell two kinds of addresses apart and not a thousand.
 */
import { cidrContainsCidr } from '../objects/ip.ts';
import type { Cidr } from '../objects/ip.ts';
import type { LabelSelector } from '../objects/model.ts';
import type { Peer, PodMatch } from '../policy/ir.ts';

/** The addresses of `cidr` but for those of `except`, each strictly inside. */
export interface BlockShape {
  readonly cidr: Cidr;
  readonly except: readonly Cidr[];
}

/** Equal key ⇒ equal question. */
export type PeerQuestion =
  | { readonly kind: 'pods'; readonly key: string; readonly match: PodMatch }
  /** Is it in one of them? If there are several, none has holes; they may overlap. */
  | { readonly kind: 'blocks'; readonly key: string; readonly blocks: readonly BlockShape[] };

/** What no address can satisfy is left out. */
export function peerQuestions(peers: readonly Peer[]): PeerQuestion[] {
  const questions: PeerQuestion[] = [];
  const whole: BlockShape[] = [];
  for (const peer of peers) {
    if (peer.kind === 'pods') {
      questions.push({ kind: 'pods', key: podMatchKey(peer), match: peer });
      continue;
    }
    const block = plainBlock(peer);
    if (block?.except.length === 0) whole.push(block);
    else if (block) questions.push({ kind: 'blocks', key: holedKey(block), blocks: [block] });
  }
  if (whole.length > 0) {
    const key = whole.map(({ cidr }) => cidr.text).join();
    questions.push({ kind: 'blocks', key, blocks: whole });
  }
  return questions;
}

/** Without the holes that take nothing away, sorted. Undefined: nothing is left of it. */
function plainBlock(block: BlockShape): BlockShape | undefined {
  const { cidr, except } = block;
  if (except.length === 0) return block;
  if (except.some((hole) => cidrContainsCidr(hole, cidr))) return undefined;
  const inside = except.filter((hole) => cidrContainsCidr(cidr, hole));
  const holes = new Map(inside.map((hole) => [hole.text, hole]));
  return { cidr, except: [...holes.keys()].sort().flatMap((text) => holes.get(text) ?? []) };
}

function holedKey({ cidr, except }: BlockShape): string {
  return [cidr, ...except].map(({ text }) => text).join(' ');
}

/** Equal for matches that differ only in the order of their requirements and values. */
function podMatchKey({ namespaces, pods }: PodMatch): string {
  const of = namespaces.kind === 'name' ? namespaces.name : selectorKey(namespaces.selector);
  return JSON.stringify(['pods', of, selectorKey(pods)]);
}

/** Equal for selectors that differ only in the order of their requirements and values. */
function selectorKey({ matchLabels, matchExpressions }: LabelSelector): unknown {
  const labels = Object.entries(matchLabels);
  if (labels.length > 1) labels.sort(([a], [b]) => (a < b ? -1 : 1));
  if (matchExpressions.length === 0) return [labels];
  const expressions = matchExpressions.map(({ key, operator, values }) =>
    JSON.stringify([key, operator, values.toSorted()]),
  );
  return [labels, expressions.sort()];
}

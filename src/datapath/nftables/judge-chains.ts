/** How the two directions are judged: by which class, by which entry of its port table, and what follows. */
import type { Element, SetSpec } from '../../kernel/nftables-changes.ts';
import { codes, encodeId } from './decision.ts';
import { allowOthers, allowReply, exit } from './exits.ts';
import {
  decide,
  equals,
  find,
  findClass,
  goto,
  isNotIsolated,
  isPodInterface,
  isUnprogrammed,
  sides,
  verdict,
} from './steps.ts';
import type { ClassBy, Direction, Place, PortBy, Rule } from './steps.ts';

export interface JudgeChain {
  readonly name: string;
  readonly rules: readonly Rule[];
}

/** The name of a chain that exists for each place. */
export function chainAt({ family, version, reply }: Place, name: string): string {
  return `${reply ? 'reply-' : ''}${name}${family}-${version}`;
}

/** Why the sender may send it; of replies that makes no difference. */
type SentBy = 'rule' | 'not-isolated' | 'no-subject';

export function sentChainAt(at: Place, by: SentBy): string {
  return chainAt(at, at.reply ? 'sent' : `sent-by-${by}`);
}

/** What a direction comes to: where packets go on that it allows. */
function allowedTo(at: Place, direction: Direction, reason: 'rule' | 'not-isolated'): string {
  if (direction === 'egress') return sentChainAt(at, reason);
  return at.reply ? allowReply : exit({ allowed: true, direction, reason, reply: false });
}

function deniedTo(at: Place, direction: Direction, reason: 'rule' | 'default-deny' | 'unprogrammed'): string {
  return exit({ allowed: false, direction, reason, reply: at.reply });
}

function outcomeSet(at: Place, direction: Direction): string {
  return chainAt(at, `outcome-${direction}`);
}

/** What a decision's code leads to. */
export function outcomeSets(at: Place): { readonly set: SetSpec; readonly elements: readonly Element[] }[] {
  return (['egress', 'ingress'] as const).map((direction) => {
    const target = (code: number, chain: string): Element => ({
      key: encodeId(code),
      verdict: { goto: chain },
    });
    return {
      set: { name: outcomeSet(at, direction), key: ['mark'], value: 'verdict' },
      elements: [
        target(codes.denyByRule, deniedTo(at, direction, 'rule')),
        target(codes.allowByRule, allowedTo(at, direction, 'rule')),
        target(codes.denyByDefault, deniedTo(at, direction, 'default-deny')),
        target(codes.allowByDefault, allowedTo(at, direction, 'not-isolated')),
      ],
    };
  });
}

export interface JudgeOptions {
  /** What the names of pods' interfaces begin with; undefined: nothing is known of interfaces. */
  readonly podInterfacePrefix?: string | undefined;
}

export function judgeChains(at: Place, options: JudgeOptions): JudgeChain[] {
  const reasons = at.reply ? (['rule'] as const) : (['rule', 'not-isolated', 'no-subject'] as const);
  return [
    ...directionChains(at, 'egress'),
    ...directionChains(at, 'ingress'),
    ...reasons.map((by) => sentChain(at, by, options)),
  ];
}

/**
 * The first rule that decides is the one that nearly every packet meets: the peer has a class by its address, and the
 * class an entry for the port. What follows when it has not: which class is it, and then (one chain each, since the class
 * that a peer has is all that it may) which entry.
 */
function directionChains(at: Place, direction: Direction): JudgeChain[] {
  const { peer } = sides[direction];
  const by = (what: ClassBy): string => chainAt(at, `${direction}-by-${what}`);
  const decided = (classBy: ClassBy, portBy: PortBy): Rule => ({
    expressions: [
      ...findClass(at, direction, classBy),
      ...decide(at, portBy, { direction, set: outcomeSet(at, direction) }),
    ],
    comment: `class by ${classBy}, entry by ${portBy === 'any' ? 'any protocol' : portBy}`,
  });
  const denial: Rule = { expressions: [goto(deniedTo(at, direction, 'default-deny'))] };
  return [
    {
      name: chainAt(at, direction),
      rules: [
        { expressions: [verdict({ jump: wholeChainName(at) })] },
        {
          expressions: [...isNotIsolated(at, direction), goto(allowedTo(at, direction, 'not-isolated'))],
          comment: 'not isolated',
        },
        decided('identity', 'port'),
        {
          expressions: [...findClass(at, direction, 'identity'), goto(by('identity'))],
          comment: 'it has a class',
        },
        {
          expressions: [...find(at, ['identity', peer]), goto(by('anyone'))],
          comment: 'it is known, and has none of its own',
        },
        ...(direction === 'egress' ? [toUnprogrammed(at)] : []),
        {
          expressions: [...findClass(at, direction, 'range'), goto(by('range'))],
          comment: 'its range has a class',
        },
        { expressions: [goto(by('anyone'))] },
      ],
    },
    { name: by('identity'), rules: [decided('identity', 'range'), decided('identity', 'any'), denial] },
    ...(['range', 'anyone'] as const).map((classBy) => ({
      name: by(classBy),
      rules: [...(['port', 'range', 'any'] as const).map((portBy) => decided(classBy, portBy)), denial],
    })),
  ];
}

export function wholeChainName({ reply }: Pick<Place, 'reply'>): string {
  return reply ? 'reply-whole' : 'whole';
}

/** Forwarded. Who that will be is not known yet, so neither is what egress rules have to say of it. */
function toUnprogrammed(at: Place): Rule {
  return {
    expressions: [
      { kind: 'meta', key: 'oif', to: 0 },
      { kind: 'compare', operator: '!=', register: 0, value: encodeId(0) },
      ...isUnprogrammed(at, 'destination'),
      goto(deniedTo(at, 'ingress', 'unprogrammed')),
    ],
    comment: 'to an address of the pod range that nobody has',
  };
}

/** The sender may send it, for that reason; may the receiver have it? */
function sentChain(at: Place, by: SentBy, { podInterfacePrefix }: JudgeOptions): JudgeChain {
  const allowed =
    by === 'no-subject'
      ? allowOthers
      : exit({ allowed: true, direction: 'egress', reason: by, reply: false });
  const allow = goto(at.reply ? allowReply : allowed);
  const toNode: Rule = {
    expressions: [{ kind: 'meta', key: 'oif', to: 0 }, equals(0, encodeId(0)), allow],
    comment: 'to the node itself',
  };
  return {
    name: sentChainAt(at, by),
    rules: [
      ...(at.reply ? [] : [toNode]),
      {
        expressions: [...find(at, ['ingress', 'destination']), goto(chainAt(at, 'ingress'))],
        comment: 'to a pod',
      },
      ...(at.reply || podInterfacePrefix === undefined
        ? []
        : [
            {
              expressions: [
                ...isPodInterface('oifname', podInterfacePrefix),
                goto(deniedTo(at, 'ingress', 'unprogrammed')),
              ],
              comment: "to a pod's interface, but to no pod's address",
            },
          ]),
      { expressions: [...find(at, ['identity', 'destination']), allow], comment: 'to somebody known' },
      {
        expressions: [...isUnprogrammed(at, 'destination'), goto(deniedTo(at, 'ingress', 'unprogrammed'))],
        comment: 'to an address of the pod range that nobody has',
      },
      { expressions: [allow] },
    ],
  };
}

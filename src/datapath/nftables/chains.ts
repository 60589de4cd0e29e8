/**
 * The rules that judge a packet, as docs/nftables.md draws them. They are the same whatever the policies: those are in
 * the sets. Each chain that packets are sent to for good ends with a rule that always decides.
 */
import type { ChainSpec } from '../../kernel/nftables-changes.ts';
import type { Expression } from '../../kernel/nftables-expressions.ts';
import { encodeId } from './decision.ts';
import { allowOthers, allowReply, exit, exitChains } from './exits.ts';
import type { ExitOptions } from './exits.ts';
import { chainAt, judgeChains, outcomeSets, sentChainAt, wholeChainName } from './judge-chains.ts';
import type { JudgeOptions } from './judge-chains.ts';
import { families, fixed, versions } from './sets.ts';
import type { FilledSet, Version } from './sets.ts';
import {
  count,
  equals,
  find,
  goto,
  hasState,
  hasTransportBytes,
  isFamily,
  isIcmp,
  isPodInterface,
  isProtocol,
  isSelf,
  isUnprogrammed,
  quotesSender,
  verdict,
} from './steps.ts';
import type { Place, Rule } from './steps.ts';

export interface Chain extends ChainSpec {
  readonly rules: readonly Rule[];
}

export interface ChainOptions extends ExitOptions, JudgeOptions {}

/** NF_INET_… of linux/netfilter.h. Just after the filter chains of others (0), far before SNAT (100). */
const hooks = { input: { number: 1, priority: 10 }, forward: { number: 2, priority: 10 } } as const;
export type HookChain = keyof typeof hooks;
export const hookChains = ['input', 'forward'] as const satisfies readonly HookChain[];

const TCP = 6;
const SCTP = 132;
const icmpOf = { 4: 1, 6: 58 } as const;

/** NF_CT_STATE_BIT of linux/netfilter/nf_conntrack_common.h. */
const established = 1 << 1;
const related = 1 << 2;

const loopback = 1;

const places: readonly Place[] = families.flatMap((family) =>
  versions.flatMap((version) => [false, true].map((reply) => ({ family, version, reply }))),
);

/** What packets enter by: the only rules that ever change, to lead to the other version. */
export function hookRules(hook: HookChain, version: Version): Rule[] {
  return families.map((family) => ({
    expressions: [...isFamily(family), goto(chainAt({ family, version, reply: false }, hook))],
  }));
}

/** Every chain, the hooks' without rules. */
export function allChains(options: ChainOptions): Chain[] {
  return [
    ...hookChains.map((name) => ({ name, hook: hooks[name], rules: [] })),
    ...exitChains(options),
    wholeChain(false),
    wholeChain(true),
    ...places.flatMap((at) => judgeChains(at, options)),
    ...places.flatMap((at) => (at.reply ? replyChains(at, options) : flowChains(at, options))),
  ];
}

/** The sets that name chains. */
export const chainSets: readonly FilledSet[] = places.flatMap(outcomeSets);

/** Returns if the headers that a verdict needs are there. Conntrack has put fragments together. */
function wholeChain(reply: boolean): Chain {
  const protocol = { kind: 'meta', key: 'l4proto', to: 0 } as const;
  const returnIf = (...expressions: readonly Expression[]): Rule => ({
    expressions: [...expressions, verdict('return')],
  });
  return {
    name: wholeChainName({ reply }),
    rules: [
      returnIf(...isProtocol(TCP), ...hasTransportBytes(20)),
      returnIf(protocol, { kind: 'lookup', set: fixed.headersOf8, key: 0 }, ...hasTransportBytes(8)),
      returnIf(...isProtocol(SCTP), ...hasTransportBytes(12)),
      returnIf(protocol, { kind: 'lookup', set: fixed.knownHeaders, key: 0, inverted: true }),
      { expressions: [goto(exit({ allowed: false, direction: 'egress', reason: 'malformed', reply }))] },
    ],
  };
}

function isReply(): Expression[] {
  const direction = { kind: 'conntrack', key: 'direction', to: 0 } as const;
  return [...hasState('state', established), direction, equals(0, Uint8Array.of(1))];
}

function denied(reason: 'unprogrammed' | 'malformed' | 'neighbour-discovery', reply = false): Expression {
  return goto(exit({ allowed: false, direction: 'egress', reason, reply }));
}

/** Of packets that are no replies. */
function flowChains(at: Place, options: ChainOptions): Chain[] {
  const self: Rule = {
    expressions: [...isSelf(at), count('self', 'allowed'), verdict('accept')],
    comment: 'a pod to itself, by a Service',
  };
  const reply: Rule = { expressions: [...isReply(), goto(chainAt({ ...at, reply: true }, 'forward'))] };
  const replyToNode: Rule = {
    expressions: [...isReply(), goto(allowReply)],
    comment: 'what the node asked for itself',
  };
  const own: Rule = {
    expressions: [{ kind: 'meta', key: 'iif', to: 0 }, equals(0, encodeId(loopback)), goto(allowOthers)],
    comment: 'the node to itself',
  };
  return [
    {
      name: chainAt(at, 'forward'),
      rules: [self, reply, errorRule(at), ...sourceRules(at, options, sentChainAt(at, 'no-subject'))],
    },
    {
      name: chainAt(at, 'input'),
      rules: [
        replyToNode,
        own,
        ...(at.family === 6 ? hostDiscovery : []),
        errorRule(at),
        ...(at.family === 6 ? [routerDiscovery(at)] : []),
        ...sourceRules(at, options, allowOthers),
      ],
    },
    errorChain(at, options),
  ];
}

/** Whose packet is it, and may it have that source? `next`: where those go that no pod of this node has sent. */
function sourceRules(at: Place, { podInterfacePrefix }: ChainOptions, next: string): Rule[] {
  const forged = (prefix: string): Rule => ({
    expressions: [...isPodInterface('iifname', prefix), denied('unprogrammed')],
    comment: "from a pod's interface, but from no pod's address",
  });
  return [
    { expressions: [...find(at, ['egress', 'source']), goto(chainAt(at, 'egress'))], comment: 'from a pod' },
    ...(podInterfacePrefix === undefined ? [] : [forged(podInterfacePrefix)]),
    { expressions: [...find(at, ['identity', 'source']), goto(next)], comment: 'from somebody known' },
    {
      expressions: [...isUnprogrammed(at, 'source'), denied('unprogrammed')],
      comment: 'from an address of the pod range that nobody has',
    },
    { expressions: [goto(next)] },
  ];
}

/** Messages that quote the packet that they are about: RFC 792, RFC 4443 §2.1. */
function errorRule(at: Place): Rule {
  const errors: Expression =
    at.family === 4
      ? { kind: 'lookup', set: fixed.errors4, key: 0 }
      : { kind: 'compare', operator: '<', register: 0, value: Uint8Array.of(128) };
  return {
    expressions: [...isIcmp(icmpOf[at.family], errors), verdict({ jump: chainAt(at, 'icmp-error') })],
  };
}

/**
 * A router reports on what others send to each other; a host on what was sent to itself, and a pod is a host. Its own
 * node sees to that, since others can't tell what is a pod. An error about a tracked flow passes: conntrack has checked
 * that it quotes a packet of the flow and goes to its sender. Any other is judged like what it is not: returns.
 */
function errorChain(at: Place, { podInterfacePrefix }: ChainOptions): Chain {
  const relatedTypes: Expression[] =
    at.family === 4
      ? [
          { kind: 'payload', base: 'transport', offset: 0, length: 1, to: 0 },
          { kind: 'lookup', set: fixed.related4, key: 0 },
        ]
      : [];
  const pass: Expression[] = [
    ...hasState('state', related),
    ...relatedTypes,
    count('related', 'allowed'),
    verdict('accept'),
  ];
  const fromPods: Rule[] =
    podInterfacePrefix === undefined
      ? []
      : [{ expressions: [...isPodInterface('iifname', podInterfacePrefix), denied('malformed')] }];
  return {
    name: chainAt(at, 'icmp-error'),
    rules: [
      {
        expressions: [...quotesSender(at), ...pass],
        comment: 'a pod about what was sent to it, in a flow',
      },
      { expressions: [...quotesSender(at), verdict('return')], comment: 'a pod about what was sent to it' },
      {
        expressions: [...find(at, ['egress', 'source']), denied('malformed')],
        comment: 'a pod about others',
      },
      ...fromPods,
      { expressions: pass, comment: 'a router about a flow' },
    ],
  };
}

/** Hop limits 255 and 1: it can't come from farther away. */
const hostDiscovery: readonly Rule[] = (
  [
    [fixed.hosts255, 255],
    [fixed.hosts1, 1],
  ] as const
).map(([types, hopLimit]) => ({
  expressions: [
    ...isIcmp(icmpOf[6], { kind: 'lookup', set: types, key: 0 }),
    { kind: 'payload', base: 'network', offset: 7, length: 1, to: 0 },
    equals(0, Uint8Array.of(hopLimit)),
    count('neighbour-discovery', 'allowed'),
    verdict('accept'),
  ],
}));

/** A pod is no router: it would redirect the node's traffic. */
function routerDiscovery(at: Place): Rule {
  return {
    expressions: [
      ...isIcmp(icmpOf[6], { kind: 'lookup', set: fixed.routers, key: 0 }),
      ...find(at, ['egress', 'source']),
      denied('neighbour-discovery'),
    ],
  };
}

/** Of replies, seen from the flow that they answer: their sender is its destination. */
function replyChains(at: Place, { podInterfacePrefix }: ChainOptions): Chain[] {
  const sender = chainAt(at, 'sender');
  const checked = (prefix: string): Rule => ({
    expressions: [...isPodInterface('iifname', prefix), verdict({ jump: sender })],
  });
  return [
    {
      name: chainAt(at, 'forward'),
      rules: [
        ...(podInterfacePrefix === undefined ? [] : [checked(podInterfacePrefix)]),
        {
          expressions: [...find(at, ['egress', 'source']), goto(chainAt(at, 'egress'))],
          comment: 'to a pod',
        },
        ...(podInterfacePrefix === undefined
          ? []
          : [
              {
                expressions: [...isPodInterface('oifname', podInterfacePrefix), denied('unprogrammed', true)],
              },
            ]),
        {
          expressions: [...find(at, ['identity', 'source']), goto(sentChainAt(at, 'rule'))],
          comment: 'to somebody known',
        },
        { expressions: [...isUnprogrammed(at, 'source'), denied('unprogrammed', true)] },
        { expressions: [goto(sentChainAt(at, 'rule'))] },
      ],
    },
    {
      name: sender,
      rules: [
        { expressions: [...find(at, ['ingress', 'destination']), verdict('return')] },
        {
          expressions: [denied('unprogrammed', true)],
          comment: "from a pod's interface, but from no pod's address",
        },
      ],
    },
  ];
}

/** How fuzzed packets are made: right ones of every kind between a cluster's addresses, and what is then done to them. */
import * as fc from 'fast-check';
import { icmp, ipv4, ipv6, sctp, tcp, udp } from '../../../src/datapath/packet.ts';
import type { Flow } from '../../../src/policy/verdict.ts';
import { fragments4, fragments6 } from '../../attacks/forge.ts';
import type { Tracking } from '../../datapath/nftables/interpreted.ts';
import { packetOf } from '../../datapath/node-view.ts';
import { arbitraryFlowSeed } from '../../generate/flow.ts';
import type { FlowSeed } from '../../generate/flow.ts';
import type { Hook } from './expected.ts';

export interface Recipe {
  readonly flow: FlowSeed;
  readonly hook: Hook;
  readonly tracking: Tracking;
  readonly payload: Payload;
  readonly header: Header;
  readonly extensions: readonly Extension[];
  readonly cut: Cut | undefined;
  readonly damages: readonly Damage[];
}

type Payload =
  | { readonly kind: 'flow' | 'reply' }
  | { readonly kind: 'protocol'; readonly protocol: number; readonly bytes: Uint8Array }
  /** An error, or what only looks like one; `about`: the quoted packet, as flow between other addresses. */
  | {
      readonly kind: 'icmp';
      readonly type: number;
      readonly about: FlowSeed | 'sender';
      readonly length: number;
    }
  /** A whole packet in a packet. */
  | { readonly kind: 'tunnel'; readonly inner: FlowSeed };

interface Header {
  readonly version?: number | undefined;
  readonly hopLimit: number;
  /** Only of IPv4. */
  readonly headerWords?: number | undefined;
  readonly optionWords: number;
  readonly fragmentOffset: number;
  readonly moreFragments: boolean;
}

interface Extension {
  readonly protocol: number;
  readonly rest: Uint8Array;
}

/** Two fragments of it: the one that is sent, and where they are cut, in units of eight bytes. */
interface Cut {
  readonly at: number;
  readonly piece: 0 | 1;
}

type Damage =
  | { readonly kind: 'truncate' | 'insert' | 'delete'; readonly at: number; readonly length: number }
  | { readonly kind: 'set'; readonly at: number; readonly value: number }
  | { readonly kind: 'flip'; readonly at: number; readonly value: number };

/** The kernel tests no packet below 20 bytes and none that a page does not hold. */
const sizes = { least: 20, most: 3000 } as const;

const trackings: readonly Tracking[] = ['new', 'established', 'reply', 'related', 'relatedReply', 'none'];
const protocols = [
  0, 1, 2, 4, 6, 17, 33, 41, 43, 44, 47, 50, 51, 58, 59, 60, 89, 132, 135, 136, 139, 255,
] as const;
const icmpTypes = [
  0, 1, 2, 3, 4, 5, 8, 11, 12, 13, 127, 128, 129, 131, 132, 133, 134, 135, 136, 137, 143,
] as const;
const values = [0, 1, 4, 6, 17, 41, 43, 44, 51, 58, 59, 60, 0x45, 0x46, 0x60, 127, 128, 132, 255] as const;

const bytes = (maxLength: number) => fc.uint8Array({ maxLength, size: 'max' });
/** Mostly the first. */
const mostly = <T, U>(usual: T, rare: fc.Arbitrary<U>) =>
  fc.oneof({ weight: 6, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: rare });

const arbitraryPayload: fc.Arbitrary<Payload> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom({ kind: 'flow' } as const, { kind: 'reply' } as const) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('protocol' as const),
      protocol: fc.oneof(fc.constantFrom(...protocols), fc.nat(255)),
      bytes: bytes(40),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('icmp' as const),
      type: fc.constantFrom(...icmpTypes),
      about: fc.oneof(fc.constant('sender' as const), arbitraryFlowSeed),
      length: fc.oneof(fc.constant(100), fc.nat(60)),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('tunnel' as const), inner: arbitraryFlowSeed }) },
);

const arbitraryHeader: fc.Arbitrary<Header> = fc.record({
  version: mostly(undefined, fc.nat(15)),
  hopLimit: fc.constantFrom(64, 255, 1, 0),
  headerWords: mostly(undefined, fc.nat(15)),
  optionWords: mostly(0, fc.nat(10)),
  fragmentOffset: mostly(0, fc.constantFrom(1, 2, 3, 185, 8191)),
  moreFragments: mostly(false, fc.constant(true)),
});

const arbitraryExtension: fc.Arbitrary<Extension> = fc
  .record({
    protocol: fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(0, 43, 60) },
      { weight: 2, arbitrary: fc.constant(44) },
      { weight: 1, arbitrary: fc.constantFrom(51, 135, 139, 50, 59, 253) },
    ),
    blocks: fc.constantFrom(0, 0, 0, 1, 2, 5),
    /** What the length octet says instead. */
    lie: mostly(undefined, fc.nat(255)),
    offset: mostly(0, fc.constantFrom(1, 8, 8191)),
    fill: fc.nat(255),
  })
  .map(({ protocol, blocks, lie, offset, fill }) => {
    if (protocol === 44)
      return { protocol, rest: Uint8Array.of(lie ?? 0, offset >> 5, (offset << 3) & 0xff, 0, 0, 0, 9) };
    const length = protocol === 51 ? 12 : 8 * (blocks + 1);
    return {
      protocol,
      rest: new Uint8Array(length - 1).fill(fill, 1).fill(lie ?? (protocol === 51 ? 1 : blocks), 0, 1),
    };
  });

const arbitraryDamage: fc.Arbitrary<Damage> = fc.oneof(
  fc.record({ kind: fc.constant('set' as const), at: fc.nat(80), value: fc.constantFrom(...values) }),
  fc.record({
    kind: fc.constant('flip' as const),
    at: fc.nat(80),
    value: fc.constantFrom(1, 2, 4, 8, 16, 32, 64, 128),
  }),
  fc.record({
    kind: fc.constantFrom('truncate' as const, 'insert' as const, 'delete' as const),
    at: fc.nat(120),
    length: fc.integer({ min: 1, max: 40 }),
  }),
);

export const arbitraryRecipe: fc.Arbitrary<Recipe> = fc.record({
  flow: arbitraryFlowSeed,
  hook: fc.constantFrom<Hook>('forward', 'forward', 'local-in'),
  tracking: fc.constantFrom(...trackings),
  payload: arbitraryPayload,
  header: arbitraryHeader,
  extensions: fc.oneof(fc.constant([]), fc.array(arbitraryExtension, { maxLength: 8, size: 'max' })),
  cut: mostly(
    undefined,
    fc.record({ at: fc.integer({ min: 1, max: 4 }), piece: fc.constantFrom(0 as const, 1 as const) }),
  ),
  damages: fc.oneof(fc.constant([]), fc.array(arbitraryDamage, { minLength: 1, maxLength: 3 })),
});

/** `flowOf`: the flow that a seed stands for in the cluster at hand. */
export function bake(recipe: Recipe, flowOf: (seed: FlowSeed) => Flow): Uint8Array {
  const flow = flowOf(recipe.flow);
  const whole = packetWith(flow, recipe, flowOf);
  const pieces = recipe.cut && whole.length > 60 && (flow.source.family === 4 ? fragments4 : fragments6);
  const sent = pieces && recipe.cut ? pieces(whole, 8 * recipe.cut.at, 7)[recipe.cut.piece] : whole;
  const damaged = recipe.damages.reduce((now, damage) => damagedBy(now, damage), Uint8Array.from(sent));
  const sized = damaged.subarray(0, sizes.most);
  return sized.length < sizes.least
    ? Uint8Array.of(...sized, ...new Uint8Array(sizes.least - sized.length))
    : sized;
}

function packetWith(flow: Flow, recipe: Recipe, flowOf: (seed: FlowSeed) => Flow): Uint8Array {
  const { optionWords, version, headerWords, ...header } = recipe.header;
  const lies = {
    ...(version === undefined ? {} : { version }),
    ...(headerWords === undefined ? {} : { headerWords }),
  };
  const content = contentOf(flow, recipe.payload, flowOf);
  // A reply goes the other way.
  const { source, destination } =
    recipe.payload.kind === 'reply' ? { source: flow.destination, destination: flow.source } : flow;
  const ends = { source, destination };
  return flow.source.family === 4
    ? ipv4({ ...ends, ...content, ...header, ...lies, options: new Uint8Array(4 * optionWords).fill(1) })
    : ipv6({ ...ends, ...content, hopLimit: header.hopLimit, extensions: recipe.extensions, ...lies });
}

function contentOf(
  flow: Flow,
  payload: Payload,
  flowOf: (seed: FlowSeed) => Flow,
): { protocol: number; payload: Uint8Array } {
  const isIpv4 = flow.source.family === 4;
  switch (payload.kind) {
    case 'flow':
      return { protocol: flow.protocol, payload: transportOf(flow, { sourcePort: 40_000, port: flow.port }) };
    case 'reply':
      return { protocol: flow.protocol, payload: transportOf(flow, { sourcePort: flow.port, port: 40_000 }) };
    case 'protocol':
      return { protocol: payload.protocol, payload: payload.bytes };
    case 'icmp': {
      const quoted =
        payload.about === 'sender'
          ? packetOf({ ...flow, source: flow.destination, destination: flow.source })
          : packetOf(flowOf(payload.about));
      const body = Uint8Array.of(0, 0, 0, 0, ...quoted.subarray(0, payload.length));
      return { protocol: isIpv4 ? 1 : 58, payload: icmp(payload.type, 0, body) };
    }
    case 'tunnel': {
      const inner = flowOf(payload.inner);
      return { protocol: inner.source.family === 4 ? 4 : 41, payload: packetOf(inner) };
    }
  }
}

function transportOf({ protocol, source }: Flow, ports: { sourcePort: number; port: number }): Uint8Array {
  if (protocol === 6) return tcp(ports);
  if (protocol === 17) return udp(ports, new Uint8Array(24));
  if (protocol === 132) return sctp(ports);
  return protocol === 47 ? new Uint8Array(8) : icmp(source.family === 4 ? 8 : 128);
}

function damagedBy(packet: Uint8Array<ArrayBuffer>, damage: Damage): Uint8Array<ArrayBuffer> {
  const at = Math.min(damage.at, packet.length);
  switch (damage.kind) {
    case 'truncate':
      return packet.slice(0, at);
    case 'insert':
      return Uint8Array.of(
        ...packet.subarray(0, at),
        ...packet.subarray(at, at + damage.length),
        ...packet.subarray(at),
      );
    case 'delete':
      return Uint8Array.of(...packet.subarray(0, at), ...packet.subarray(at + damage.length));
    case 'set':
      return packet.map((byte, index) => (index === damage.at ? damage.value : byte));
    case 'flip':
      return packet.map((byte, index) => (index === damage.at ? byte ^ damage.value : byte));
  }
}

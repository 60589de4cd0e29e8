/** Bytes at every hook of both engines, between the pods of generated clusters. */
import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import * as fc from 'fast-check';
import { Compiler } from '../../../src/compiler/compiler.ts';
import { computeDelta, emptyTables } from '../../../src/compiler/delta.ts';
import { nodeTables } from '../../../src/compiler/node-tables.ts';
import type { NodeTables } from '../../../src/compiler/tables.ts';
import { translatePolicies } from '../../../src/dialects/translate.ts';
import { isRoot, KernelTables, tracking as trackingInfo } from '../../datapath/kernel-tables.ts';
import { InterpretedTables } from '../../datapath/nftables/interpreted.ts';
import type { Tracking } from '../../datapath/nftables/interpreted.ts';
import { arbitraryBlueprint, buildCluster } from '../../generate/cluster.ts';
import type { Blueprint } from '../../generate/cluster.ts';
import { buildFlow } from '../../generate/flow.ts';
import { parseReadable, printReadable } from '../readable-json.ts';
import { Tally } from '../target.ts';
import type { Session, Target } from '../target.ts';
import { isError, World } from './expected.ts';
import type { Hook, PacketVerdict, Seen } from './expected.ts';
import { readHeaders } from './headers.ts';
import { arbitraryRecipe, bake } from './recipe.ts';

interface FuzzedPacket {
  readonly hook: Hook;
  /** Of the program that gets it, whatever its first byte says. */
  readonly family: 4 | 6;
  readonly tracking: Tracking;
  /** Hexadecimal. */
  readonly bytes: string;
}

export interface PacketCase {
  readonly blueprint: Blueprint;
  readonly node: string;
  readonly packets: readonly FuzzedPacket[];
}

const arbitraryPackets: fc.Arbitrary<PacketCase> = fc
  .record({
    blueprint: arbitraryBlueprint,
    node: fc.constantFrom('n1', 'n2'),
    recipes: fc.array(arbitraryRecipe, { minLength: 1, maxLength: 60, size: 'max' }),
  })
  .map(({ blueprint, node, recipes }) => {
    const cluster = buildCluster(blueprint);
    const packets = recipes.map((recipe): FuzzedPacket => {
      const { family } = buildFlow(cluster, recipe.flow).source;
      const bytes = bake(recipe, (seed) => buildFlow(cluster, seed));
      return {
        hook: recipe.hook,
        family,
        tracking: recipe.tracking,
        bytes: Buffer.from(bytes).toString('hex'),
      };
    });
    return { blueprint, node, packets };
  });

class PacketSession implements Session<PacketCase> {
  readonly #kernels = new Map<Tracking, KernelTables>();
  readonly #interpreted = new InterpretedTables();
  readonly #compiler = new Compiler();
  readonly #tally = new Tally();
  #held: NodeTables = emptyTables;

  constructor() {
    for (const state of ['new', 'established', 'reply', 'related', 'relatedReply', 'none'] as const) {
      const tracking = state === 'none' ? undefined : trackingInfo[state];
      this.#kernels.set(state, new KernelTables({ tracking }));
    }
  }

  attempt({ blueprint, node, packets }: PacketCase): void {
    const world = this.#enforce(blueprint, node);
    for (const packet of packets) this.#judge(world, packet);
  }

  tally(): Readonly<Record<string, number>> {
    return this.#tally.counts;
  }

  close(): void {
    for (const kernel of this.#kernels.values()) kernel.close();
  }

  /** Reached by a delta from whatever cluster was before. */
  #enforce(blueprint: Blueprint, name: string): World {
    const cluster = buildCluster(blueprint);
    const policies = translatePolicies(cluster);
    const program = this.#compiler.compile(cluster, policies);
    const node = cluster.nodes.get(name);
    ok(node, `no node ${name}`);
    const next = nodeTables(program, name, node.podCIDRs);
    const delta = computeDelta(this.#held, next);
    for (const { tables } of this.#kernels.values()) tables.apply(delta);
    this.#interpreted.apply(delta);
    this.#held = next;
    return new World({ cluster, policies, program, node });
  }

  #judge(world: World, packet: FuzzedPacket): void {
    const bytes = Buffer.from(packet.bytes, 'hex');
    const headers = readHeaders(packet.family, bytes);
    // Conntrack tells an error by what it quotes: it is related to a flow or none, but never part of one.
    const isTracked = packet.tracking !== 'related' && packet.tracking !== 'relatedReply';
    const tracking = headers && isError(headers) && isTracked ? 'none' : packet.tracking;
    const seen: Seen = { hook: packet.hook, tracking, headers };
    const wanted = world.judge(seen);
    this.#count(seen, wanted);
    // Twice: what is remembered of the first time is worth as much.
    for (const _ of [1, 2]) this.#tryPrograms({ ...packet, tracking }, { bytes, seen, wanted, world });
    this.#tryRules({ bytes, seen, wanted, world });
  }

  #tryPrograms(packet: FuzzedPacket, { bytes, seen, wanted, world }: Judged): void {
    const kernel = this.#kernels.get(packet.tracking);
    ok(kernel);
    const { accepted, events } = kernel.judge(
      `${packet.hook === 'forward' ? 'forward' : 'local_in'}${packet.family}`,
      bytes,
    );
    if (isVague(seen, world)) {
      ok(wanted.accepted || !accepted, 'the programs accept what policies deny');
      return;
    }
    strictEqual(
      accepted ? 'accepted' : 'dropped',
      wanted.accepted ? 'accepted' : 'dropped',
      'by the programs',
    );
    const { asked } = wanted;
    const isTold = !wanted.accepted || (packet.tracking === 'new' && asked && wanted.reason !== 'no-subject');
    const told = events.map(({ allowed, egress, ingress }) => [
      allowed,
      egress.reason,
      ...(egress.reason === wanted.reason && !allowed ? [] : [ingress.reason]),
    ]);
    const expected = [
      wanted.accepted,
      asked?.egress.reason ?? wanted.reason,
      ...(asked?.egress.allowed ? [asked.ingress.reason] : []),
    ];
    deepStrictEqual(told, isTold ? [expected] : [], 'events');
  }

  #tryRules({ bytes, seen, wanted, world }: Judged): void {
    if (!seen.headers || !ipLayerPasses(seen.headers.family, bytes)) return;
    const hook = seen.hook === 'forward' ? 'forward' : 'input';
    const { accepted, reasons } = this.#interpreted.judge(hook, bytes, seen.tracking);
    const isSelf = wanted.reason === 'self' && !world.isLocalPod(seen.headers.source);
    if (seen.headers.peculiar || isSelf || isVague(seen, world)) return;
    // What is wrong in two ways is dropped for one of them.
    const isBoth = !seen.headers.whole && !accepted && wanted.reason === 'unprogrammed';
    const reason = isBoth ? reasons[0]?.reason : wanted.reason;
    const way = wanted.accepted ? 'allowed' : 'denied';
    deepStrictEqual(
      { accepted, reasons },
      { accepted: wanted.accepted, reasons: [{ reason, way }] },
      'by the rules',
    );
  }

  #count({ headers, tracking, hook }: Seen, { accepted, reason }: PacketVerdict): void {
    this.#tally.count('packets');
    this.#tally.count(`${hook} ${tracking}`);
    this.#tally.count(`${accepted ? 'accepted' : 'dropped'}: ${reason}`);
    if (headers?.peculiar) this.#tally.count(headers.peculiar);
  }
}

interface Judged {
  readonly bytes: Uint8Array;
  readonly seen: Seen;
  readonly wanted: PacketVerdict;
  readonly world: World;
}

/** A packet to the node itself whose destination is one that the node can't have: nobody says more than that it is not let through wrongly. */
function isVague({ hook, headers }: Seen, world: World): boolean {
  if (hook === 'forward' || !headers) return false;
  return world.isUnprogrammed(headers) || headers.source.text === headers.destination.text;
}

/** What the kernel's own IP layer never lets as far as the rules. */
function ipLayerPasses(family: 4 | 6, bytes: Uint8Array): boolean {
  if (family === 6) return true;
  const headerLength = ((bytes[0] ?? 0) & 0x0f) * 4;
  return headerLength >= 20 && headerLength <= bytes.length;
}

export const packetTarget: Target<PacketCase> = {
  name: 'packets',
  arbitrary: arbitraryPackets,
  missing: isRoot ? undefined : 'it loads programs into the kernel: run it as root',
  file: {
    extension: 'json',
    print: printReadable,
    parse: (content) => parseReadable(content.toString()) as PacketCase,
  },
  open: () => new PacketSession(),
};

/** Judging with kept verdicts against judging every packet by the tables: what differs is a fault of the cache. */
import type { Delta } from '../../src/compiler/tables.ts';
import { layouts } from '../../src/datapath/ebpf/layout.ts';
import type { Counters } from '../../src/datapath/datapath.ts';
import type { ProgramName } from '../../src/datapath/ebpf/object.ts';
import { icmp, ipv4, ipv6, transport } from '../../src/datapath/packet.ts';
import type { SourceChange } from '../seeded-bugs/seeded-bug.ts';
import { address, rules, world, worldDelta } from './guard-world.ts';
import { KernelTables, testCapacity, tracking } from './kernel-tables.ts';

/** BPF_PROG_TEST_RUN has no interfaces. With this change hop limits stand for coming in, and going out, by a pod's. */
export const podsByHopLimit: SourceChange = {
  file: 'bpf/bulkhead.bpf.c',
  from: 'links = links_of(hook, state);',
  to: 'links = (struct links){ .from_pod = packet.hop_limit == 7, .to_pod = packet.hop_limit == 9 };',
};

const loads = ['established', 'reply'] as const;

/** IPv6 addresses that begin like the IPv4 addresses of the client and the server. */
const lookalikes = { client: address('a00:1::'), server: address('a00:2::') };
const ends = {
  4: { ...world[4], likeClient: world[4].client, likeServer: world[4].server },
  6: { ...world[6], likeClient: lookalikes.client, likeServer: lookalikes.server },
} as const;
type End = keyof (typeof ends)[4];
const icmpTypes = { 4: [8, 3, 5], 6: [128, 1, 134] } as const;

/** A packet as a flow sends it; of a reply, as the flow that it answers does. */
interface Shape {
  readonly family: 4 | 6;
  readonly hook: 'forward' | 'local_in';
  readonly from: End;
  readonly to: End;
  readonly sourcePort: number;
  readonly port: number;
  readonly protocol: number;
  /** Of icmpTypes. */
  readonly icmpType: number;
  readonly hopLimit: number;
  readonly isCut: boolean;
}

const everyEnd = Object.keys(ends[4]) as End[];
const choices: { readonly [Part in keyof Shape]: readonly Shape[Part][] } = {
  family: [4, 6],
  hook: ['forward', 'local_in'],
  from: everyEnd,
  to: everyEnd,
  sourcePort: [0, 80, 81],
  port: [0, 53, 80, 81, 443, 8080],
  protocol: [1, 6, 17, 132],
  icmpType: [0, 1, 2],
  hopLimit: [7, 9, 64],
  isCut: [false, true],
};

const plain: Omit<Shape, 'family' | 'from' | 'to'> = {
  hook: 'forward',
  sourcePort: 40_000,
  port: 80,
  protocol: 6,
  icmpType: 0,
  hopLimit: 64,
  isCut: false,
};

const bases: readonly Shape[] = ([4, 6] as const).flatMap((family) => [
  { ...plain, family, from: 'client', to: 'server' },
  { ...plain, family, from: 'client', to: 'server', port: 53, protocol: 17 },
  { ...plain, family, from: 'client', to: 'server', port: 81 },
  { ...plain, family, from: 'open', to: 'remote', sourcePort: 0, port: 0 },
  { ...plain, family, from: 'remote', to: 'server', port: 443 },
  { ...plain, family, from: 'internet', to: 'open' },
  { ...plain, family, from: 'block', to: 'server', port: 8080 },
  { ...plain, family, from: 'likeClient', to: 'likeServer', port: 81 },
  { ...plain, family, from: 'open', to: 'node', hook: 'local_in' },
  { ...plain, family, from: 'open', to: 'node', hook: 'local_in', protocol: 1 },
]);

/** Everything that is like it but for one thing. */
function variants(base: Shape): Shape[] {
  return Object.entries(choices).flatMap(([part, values]) =>
    values.map((value: Shape[keyof Shape]): Shape => ({ ...base, [part]: value })),
  );
}

function packetOf(shape: Shape, load: (typeof loads)[number]): Uint8Array {
  const { family, hopLimit, isCut } = shape;
  const isReply = load === 'reply';
  const [source, destination] = isReply ? [shape.to, shape.from] : [shape.from, shape.to];
  const [sourcePort, port] = isReply ? [shape.port, shape.sourcePort] : [shape.sourcePort, shape.port];
  const isIcmp = shape.protocol === 1;
  const whole = isIcmp
    ? icmp(icmpTypes[family][shape.icmpType] ?? 0, 0, new Uint8Array(32))
    : withSourcePort(transport(shape.protocol, port), sourcePort);
  const rest = {
    source: ends[family][source],
    destination: ends[family][destination],
    protocol: isIcmp && family === 6 ? 58 : shape.protocol,
    payload: isCut ? whole.subarray(0, 7) : whole,
    hopLimit,
  };
  return family === 4 ? ipv4(rest) : ipv6(rest);
}

function withSourcePort(payload: Uint8Array, sourcePort: number): Uint8Array {
  const copy = payload.slice();
  new DataView(copy.buffer).setUint16(0, sourcePort);
  return copy;
}

export const nothing: Delta = {
  add: { ports: [], classes: [] },
  stage: { addresses: [], cidrs: [] },
  sweep: { ports: [], classes: [] },
};

/** The server becomes somebody else to its peers. */
function serverIdentity(from: number, to: number): Delta {
  const servers = [world[4].server.text, world[6].server.text];
  const rows = worldDelta.stage.addresses.filter((row) =>
    row.addresses.some(({ text }) => servers.includes(text)),
  );
  const addresses = rows.flatMap(({ addresses: at, to: value }) =>
    value ? [{ addresses: at, from: { ...value, identity: from }, to: { ...value, identity: to } }] : [],
  );
  return { ...nothing, stage: { addresses, cidrs: [] } };
}

const server = 6;
const somebodyElse = 77;
/** What the client may send to the server is taken away, and given back. */
export const revoked = serverIdentity(server, somebodyElse);
export const givenBack = serverIdentity(somebodyElse, server);

function openKernel(objectPath: string, load: keyof typeof tracking, cachedVerdicts: number): KernelTables {
  const capacity = { ...testCapacity, cachedVerdicts };
  const kernel = new KernelTables({ objectPath, capacity, tracking: tracking[load], events: false });
  kernel.tables.apply(worldDelta);
  return kernel;
}

/** Sends the same packets and makes the same changes with kept verdicts, all in one entry, and without. */
function compare(objectPath: string, load: (typeof loads)[number]): string[] {
  const [cached, uncached] = [openKernel(objectPath, load, 1), openKernel(objectPath, load, 0)];
  const both = [cached, uncached];
  const faults: string[] = [];
  const send = (shape: Shape, when: string): void => {
    const packet = packetOf(shape, load);
    const program: ProgramName = `${shape.hook}${shape.family}`;
    const [one, other] = both.map((kernel) => kernel.run(program, packet));
    if (one !== other)
      faults.push(`${load}, ${when}: ${one ? 'passes' : 'is dropped'}: ${JSON.stringify(shape)}`);
  };
  const apply = (...deltas: readonly Delta[]): void => {
    for (const kernel of both) for (const delta of deltas) kernel.tables.apply(delta);
  };
  try {
    for (const base of bases) {
      send(base, 'first');
      send(base, 'again');
      for (const variant of variants(base)) {
        send(variant, 'after another');
        send(base, 'between others');
      }
      // An odd number of commits, and an even one: the other copy of the tables, and the same.
      for (const deltas of [[], [nothing]]) {
        send(base, 'before');
        apply(revoked, ...deltas);
        send(base, 'revoked');
        send(base, 'still revoked');
        apply(givenBack, ...deltas);
        send(base, 'given back');
      }
    }
    const [one, other] = both.map((kernel) => textOf(kernel.counters()));
    return one === other ? faults : [...faults, `${load}: counters`];
  } finally {
    for (const kernel of both) kernel.close();
  }
}

/** Without events that found no room: nobody takes any out here. */
function textOf({ rules: byRule, reasons }: Counters): string {
  return JSON.stringify([[...byRule], reasons], (_, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  );
}

/** The one entry of a cache of one; `change` writes into it. */
export class OneEntry {
  readonly #kernel: KernelTables;

  constructor(kernel: KernelTables) {
    this.#kernel = kernel;
  }

  read(): DataView {
    const bytes = new Uint8Array(layouts.cached_verdict.size);
    this.#kernel.object.maps.cached_verdicts.get(new Uint8Array(4), bytes);
    return new DataView(bytes.buffer);
  }

  get isEmpty(): boolean {
    return this.read().getUint32(layouts.cached_verdict.sequence, true) === 0;
  }

  change(write: (entry: DataView) => void): void {
    const entry = this.read();
    write(entry);
    this.#kernel.object.maps.cached_verdicts.set(new Uint8Array(4), new Uint8Array(entry.buffer));
  }
}

const toServer = ipv4({
  source: world[4].client,
  destination: world[4].server,
  protocol: 6,
  payload: transport(6, 80),
});

/** What is wrong with the entry that one packet makes. */
function faultsOfEntry(objectPath: string): string[] {
  const faults: string[] = [];
  const rule = (kernel: KernelTables): bigint => kernel.counters().rules.get(rules.tcp80)?.packets ?? 0n;
  const kernel = openKernel(objectPath, 'established', 1);
  try {
    const entry = new OneEntry(kernel);
    kernel.run('forward4', toServer);
    if (entry.isEmpty) faults.push('an allowed packet of an established flow leaves nothing');
    // A rule that no table has: a packet that is counted for it was not judged by the tables.
    entry.change((view) => {
      view.setUint32(layouts.cached_verdict.ingress_rule, rules.udp53, true);
    });
    kernel.run('forward4', toServer);
    if (rule(kernel) !== 1n) faults.push('what is kept is not used');
    entry.change((view) => {
      view.setUint32(layouts.cached_verdict.sequence, 3, true);
    });
    kernel.run('forward4', toServer);
    if (rule(kernel) !== 2n) faults.push('what is being written is used');
    if (entry.read().getUint32(layouts.cached_verdict.sequence, true) !== 3)
      faults.push('two write at the same time');
  } finally {
    kernel.close();
  }
  const opening = openKernel(objectPath, 'new', 1);
  try {
    opening.run('forward4', toServer);
    if (!new OneEntry(opening).isEmpty) faults.push('a packet that opens a connection leaves something');
  } finally {
    opening.close();
  }
  return faults;
}

/** Empty if the object does with kept verdicts what it does without; it must be built with podsByHopLimit. */
export function cacheFaults(objectPath: string): string[] {
  const wrong = faultsOfEntry(objectPath);
  for (const load of loads) if (wrong.length === 0) wrong.push(...compare(objectPath, load));
  return wrong;
}

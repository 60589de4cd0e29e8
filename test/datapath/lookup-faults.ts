/**
 * Tables that change and change again, with prefixes of every length, in little room: what a packet's lookups find in
 * the kernel against what the rows say. What differs is a fault.
 */
import { Random } from '../../src/bench/random.ts';
import { computeDelta, emptyTables } from '../../src/compiler/delta.ts';
import { PrefixTable } from '../../src/compiler/prefix-table.ts';
import { portRows } from '../../src/compiler/port-rows.ts';
import type { ClassEntry, PortEntry } from '../../src/compiler/program.ts';
import { unprogrammedIdentity } from '../../src/compiler/tables.ts';
import type { AddressRow, CidrRow, ClassRow, NodeTables, PortRow } from '../../src/compiler/tables.ts';
import { portsOfList } from '../../src/datapath/ebpf/layout.ts';
import { seedWords } from '../../src/datapath/ebpf/hash.ts';
import { ipv4, ipv6, tcp } from '../../src/datapath/packet.ts';
import { addressWidth, makeAddress, makeCidr } from '../../src/objects/ip.ts';
import type { Address, Cidr, IpFamily } from '../../src/objects/ip.ts';
import { KernelTables, testCapacity } from './kernel-tables.ts';

/** With zeros all rows of a table meet: they fill one window, and rows that go leave marks. */
const seeds = [
  new Uint32Array(seedWords),
  Uint32Array.from({ length: seedWords }, (_, n) => 0x9e3779b1 * (n + 1)),
];
const rounds = 120;
const questions = 40;
const mostCidrs = 60;
const identities = [1, 2, 3, 4];
const bases = { 4: 0x0a000000n, 6: 0xfd00n << 112n } as const;
const clients = {
  4: makeAddress(4, 0xc0a80001n),
  6: makeAddress(6, (0x2001n << 112n) | 1n),
} as const;
const tcpProtocol = 6;

class World {
  readonly #random = new Random(7);
  #nextClass = 1;
  #nextRule = 1;
  readonly #addresses = new Map<string, AddressRow>();
  readonly #cidrs = new Map<string, CidrRow>();
  #ports: readonly ClassEntry[] = [];
  #classes = new Map<string, ClassRow>();
  #set = 0;

  /** Some rows come, some go. */
  change(): void {
    const random = this.#random;
    for (let count = random.below(6); count > 0; count--) this.#changeRow(random.pick([4, 6]));
    if (this.#set === 0 || random.below(3) === 0) this.#changeSet();
  }

  tables(): NodeTables {
    const client = { identity: 99, ingressSet: 0, egressSet: this.#set, role: 'local-pod' } as const;
    const own = Object.values(clients).map((address): [string, AddressRow] => [
      address.text,
      { address, value: client },
    ]);
    const ports = this.#ports.flatMap((entry): (readonly [string, PortRow])[] => [...portRows(entry).rows]);
    return {
      addresses: new Map([...this.#addresses, ...own]),
      cidrs: new Map(this.#cidrs),
      classes: this.#classes,
      ports: new Map(ports),
    };
  }

  question(): { to: Address; port: number } {
    const random = this.#random;
    const family = random.pick([4, 6] as const);
    const to = random.below(3) === 0 ? this.#held(family) : this.#address(family);
    return { to, port: this.#port() };
  }

  #changeRow(family: IpFamily): void {
    const random = this.#random;
    const address = this.#address(family);
    const identity = random.pick([0, ...identities, unprogrammedIdentity]);
    const cidr =
      random.below(4) === 0
        ? makeCidr(family, this.#held(family).bits, addressWidth(family))
        : this.#cidr(family);
    const going = [...this.#cidrs.keys()];
    switch (random.below(6)) {
      case 0:
        this.#addresses.set(address.text, {
          address,
          value: { identity: random.pick(identities), ingressSet: 0, egressSet: 0, role: 'remote' },
        });
        return;
      case 1:
        this.#addresses.set(address.text, {
          address,
          value: { identity: random.pick(identities), ingressSet: 0, egressSet: 0, role: 'local-pod' },
        });
        return;
      case 2:
        if (this.#addresses.size > 0) this.#addresses.delete(random.pick([...this.#addresses.keys()]));
        return;
      case 3:
        if (going.length > 0) this.#cidrs.delete(random.pick(going));
        return;
      default:
        this.#cidrs.set(cidr.text, { cidr, identity });
        if (this.#cidrs.size > mostCidrs) this.#cidrs.delete(random.pick(going));
    }
  }

  /** Another set, whose classes have other ports. */
  #changeSet(): void {
    const random = this.#random;
    this.#set += 1;
    const known = [0, ...identities].filter(() => random.below(3) > 0);
    this.#ports = known.map(() => ({ id: this.#nextClass++, ports: this.#portEntries() }));
    this.#classes = new Map(
      this.#ports.map((entry, index): [string, ClassRow] => {
        const identity = known[index] ?? 0;
        const { lengths } = portRows(entry);
        return [`${this.#set}:${identity}`, { set: this.#set, identity, class: entry.id, lengths }];
      }),
    );
  }

  #portEntries(): PortEntry[] {
    const random = this.#random;
    const entries = new Map<string, PortEntry>();
    // In a list, or as rows of the hash table.
    const count = random.below(2) === 0 ? random.below(4) : portsOfList + 1 + random.below(3);
    while (entries.size < count) {
      const prefixLength = random.below(17);
      const port = (this.#port() >> (16 - prefixLength)) << (16 - prefixLength);
      entries.set(`${port}/${prefixLength}`, {
        protocol: random.pick([tcpProtocol, tcpProtocol, 17]),
        port,
        prefixLength,
        allow: random.below(3) > 0,
        rule: this.#nextRule++ % testCapacity.rules,
      });
    }
    if (random.below(2) === 0) {
      entries.set('any', { protocol: 0, port: 0, prefixLength: 0, allow: random.below(2) > 0, rule: 0 });
    }
    return [...entries.values()];
  }

  #port(): number {
    return 0x1f90 ^ (1 << this.#random.below(16)) ^ (1 << this.#random.below(16));
  }

  /** Near the others: they differ in a bit or two, anywhere. */
  #address(family: IpFamily): Address {
    const random = this.#random;
    const width = addressWidth(family);
    // Now and then far from them, so that next to nothing holds it.
    if (random.below(8) === 0) return makeAddress(family, bases[family] ^ (0xfn << BigInt(width - 4)));
    const bit = (): bigint => 1n << BigInt(random.below(2) === 0 ? random.below(width) : random.below(3));
    return makeAddress(family, bases[family] ^ bit() ^ (random.below(2) === 0 ? bit() : 0n));
  }

  /** What somebody has, if anybody has anything. */
  #held(family: IpFamily): Address {
    const held = [...this.#addresses.values()].map(({ address }) => address);
    const own = held.filter((one) => one.family === family);
    return own.length > 0 ? this.#random.pick(own) : this.#address(family);
  }

  #cidr(family: IpFamily): Cidr {
    const random = this.#random;
    const width = addressWidth(family);
    const edges = [0, 1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 95, 96, 97, 127, 128].filter((n) => n <= width);
    const length = random.below(2) === 0 ? random.pick(edges) : random.below(width + 1);
    return makeCidr(family, this.#address(family).bits, length);
  }
}

/** How the client's packet to TCP `port` of `to` fares. */
function expected(tables: NodeTables, to: Address, port: number): string {
  const held = tables.addresses.get(to.text)?.value;
  const identity = held?.identity ?? identityOf(tables, to);
  if (identity === unprogrammedIdentity) return 'unprogrammed';
  const set = tables.addresses.get(clients[to.family].text)?.value.egressSet ?? 0;
  const row = tables.classes.get(`${set}:${identity}`) ?? tables.classes.get(`${set}:0`);
  const entries = [...tables.ports.values()].filter((entry) => entry.class === row?.class);
  const [best] = entries
    .filter(({ protocol }) => protocol === tcpProtocol)
    .filter((entry) => port >> (16 - entry.prefixLength) === entry.port >> (16 - entry.prefixLength))
    .sort((a, b) => b.prefixLength - a.prefixLength);
  const decides = best ?? entries.find(({ protocol }) => protocol === 0);
  if (!decides) return 'default-deny';
  if (decides.rule === 0) return decides.allow ? 'not-isolated' : 'default-deny';
  return `rule ${decides.rule} ${decides.allow}`;
}

function identityOf({ cidrs }: NodeTables, to: Address): number {
  const table = new PrefixTable<number>();
  for (const { cidr, identity } of cidrs.values()) table.set(cidr, identity);
  return table.match(to) ?? 0;
}

function found(kernel: KernelTables, to: Address, port: number): string {
  const packet = {
    source: clients[to.family],
    destination: to,
    protocol: tcpProtocol,
    payload: tcp({ port }),
  };
  const { accepted, events } = kernel.judge(
    `forward${to.family}`,
    to.family === 4 ? ipv4(packet) : ipv6(packet),
  );
  const [event] = events;
  if (event?.ingress.reason === 'unprogrammed') return 'unprogrammed';
  const reason = event?.egress.reason ?? 'nothing';
  return reason === 'rule' ? `rule ${event?.egress.rule} ${accepted}` : reason;
}

/** Stops at the first. */
export function lookupFaults(objectPath: string): string[] {
  for (const seed of seeds) {
    const kernel = new KernelTables({ objectPath, seed });
    const world = new World();
    let held = emptyTables;
    try {
      for (let round = 0; round < rounds; round++) {
        world.change();
        const next = world.tables();
        kernel.tables.apply(computeDelta(held, next));
        held = next;
        for (let count = 0; count < questions; count++) {
          const { to, port } = world.question();
          const [is, should] = [found(kernel, to, port), expected(held, to, port)];
          if (is !== should) return [`round ${round}: ${to.text} port ${port}: ${is}, not ${should}`];
        }
      }
    } finally {
      kernel.close();
    }
  }
  return [];
}

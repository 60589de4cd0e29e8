/** Names of Services as each pod's own DNS queries find them: real packets from the pod to the cluster's DNS. */
import { closeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { inNetns } from '../../kernel/netns.ts';
import { beginConnect, bindSocket, openSocket, receive, send } from '../../kernel/socket.ts';
import { makeAddress } from '../../objects/ip.ts';
import type { Address, IpFamily } from '../../objects/ip.ts';
import type { Cluster } from '../../objects/model.ts';
import { clusterDnsService } from '../../sources/cluster-dns.ts';

export interface Lookup {
  /** Path of the namespace that asks, and one of its addresses. */
  readonly netns: string;
  readonly source: Address;
  readonly name: string;
  /** A or AAAA. */
  readonly family: IpFamily;
}

/** Milliseconds for all answers of a round, and how often what is missing is asked. */
const patience = 300;
const rounds = 3;
const pause = 2;

const recordType = { 4: 1, 6: 28 } as const;
const dnsPort = 53;

interface Pending extends Lookup {
  readonly key: string;
}

export class NameTable {
  readonly #found = new Map<string, Address>();

  private constructor() {}

  /** Asks each thing once, however often it is wanted. */
  static async lookUp(lookups: readonly Lookup[], cluster: Cluster): Promise<NameTable> {
    const table = new NameTable();
    const servers = cluster.services.get(clusterDnsService)?.clusterIPs ?? [];
    const once = new Map(
      lookups.map((lookup): [string, Pending] => {
        const key = keyOf(lookup.netns, lookup.name, lookup.family);
        return [key, { ...lookup, key }];
      }),
    );
    for (let round = 0; round < rounds; round++) {
      const missing = [...once.values()].filter(({ key }) => !table.#found.has(key));
      if (missing.length === 0) break;
      await table.#ask(missing, servers);
    }
    return table;
  }

  /** Undefined if no answer came. */
  addressOf(netns: string, name: string, family: IpFamily): Address | undefined {
    return this.#found.get(keyOf(netns, name, family));
  }

  async #ask(missing: readonly Pending[], servers: readonly Address[]): Promise<void> {
    const sockets: number[] = [];
    try {
      for (const [netns, members] of Map.groupBy(missing, (one) => one.netns))
        inNetns(netns, () => {
          for (const one of members) this.#sendOne(one, missing.indexOf(one), { servers, sockets });
        });
      const deadline = performance.now() + patience;
      while (missing.some(({ key }) => !this.#found.has(key)) && performance.now() < deadline) {
        for (const fd of sockets) this.#readAll(fd, missing);
        await sleep(pause);
      }
    } finally {
      for (const fd of sockets) closeSync(fd);
    }
  }

  /** The server of the family that the pod's own address has. */
  #sendOne(
    { source, name, family }: Pending,
    id: number,
    { servers, sockets }: { servers: readonly Address[]; sockets: number[] },
  ): void {
    const server = servers.find((candidate) => candidate.family === source.family);
    if (!server) throw new Error(`the cluster's DNS has no IPv${source.family} address`);
    const fd = openSocket('UDP', source.family);
    sockets.push(fd);
    bindSocket(fd, { address: source, port: 0 });
    if (beginConnect(fd, { address: server, port: dnsPort }) === 0)
      send(fd, query(id, name, recordType[family]));
  }

  #readAll(fd: number, missing: readonly Pending[]): void {
    const buffer = Buffer.alloc(1500);
    for (let length = receive(fd, buffer); length > 0; length = receive(fd, buffer)) {
      const asked = missing[buffer.readUInt16BE(0)];
      const address = asked && addressIn(buffer.subarray(0, length), asked.family);
      if (address) this.#found.set(asked.key, address);
    }
  }
}

function keyOf(netns: string, name: string, family: IpFamily): string {
  return `${netns} ${name} ${family}`;
}

/** RFC 1035 §4.1: a question for one record. */
function query(id: number, name: string, type: number): Buffer {
  const labels = name.split('.').flatMap((label) => [label.length, ...Buffer.from(label)]);
  const header = [id >> 8, id & 255, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
  return Buffer.from([...header, ...labels, 0, 0, type, 0, 1]);
}

/** The only answer's data, which stands last as the query asked for nothing beside it. */
function addressIn(message: Buffer, family: IpFamily): Address | undefined {
  const size = family === 4 ? 4 : 16;
  const answers = message.readUInt16BE(6);
  if (answers !== 1 || message.length < 12 + size) return undefined;
  const data = message.subarray(message.length - size);
  return makeAddress(family, BigInt(`0x${data.toString('hex')}`));
}

/** The DNS server of a lab: the cluster's names as they are at the moment, by UDP and TCP, in the DNS pod's namespace. */
import { createSocket } from 'node:dgram';
import { createServer, type Socket } from 'node:net';
import { tcpListener, udpSocket } from '../kernel/socket.ts';
import type { Address } from '../objects/ip.ts';
import type { Cluster } from '../objects/model.ts';
import { zoneOf, type Zone } from './cluster-zone.ts';
import {
  decodeQuery,
  encodeResponse,
  encodeUnanswerable,
  responseCodes,
  udpLimit,
  type Query,
} from './dns-message.ts';
import { isAnswer } from './udp-server.ts';

export interface DnsServerOptions {
  /** Path of the namespace to serve in. */
  readonly netns: string;
  readonly addresses: readonly Address[];
  /** Default 53. */
  readonly port?: number;
  /** Asked for every query: always the newest snapshot. */
  readonly cluster: () => Cluster;
  /**
   * What to say, as text, to messages that are no queries. The lab's probes are none, so they learn whom they reached
   * as from any other server of the lab. Absent: a DNS error.
   */
  readonly identify?: (protocol: 'TCP' | 'UDP') => string;
}

export interface DnsServer {
  close(): void;
}

/** How long a TCP client may be silent, in milliseconds. */
const patienceMs = 10_000;
/** What the length before a TCP message can say. */
const longestMessage = 65_535;
const internetClass = 1;
const anyClass = 255;

/** Serves from the moment it returns. Throws SystemCallError, e.g. EADDRINUSE. */
export function startDnsServer(options: DnsServerOptions): DnsServer {
  const { netns, addresses, port = 53, identify } = options;
  const zone = newestZone(options.cluster);
  const replyTo = (message: Uint8Array, protocol: 'TCP' | 'UDP'): Reply | undefined => {
    if (isAnswer(message)) return undefined;
    const query = decodeQuery(message);
    if (!query) return undefined;
    if (!('code' in query))
      return { dns: answer(query, zone(), protocol === 'UDP' ? udpLimit(query) : longestMessage) };
    return identify ? { text: identify(protocol) } : { dns: encodeUnanswerable(query) };
  };
  const closers = addresses.flatMap((address) => [
    serveDatagrams(udpSocket(netns, address, port), address.family, (message) => replyTo(message, 'UDP')),
    serveStreams(tcpListener(netns, address, port), (message) => replyTo(message, 'TCP')),
  ]);
  return {
    close() {
      for (const close of closers) close();
    },
  };
}

type Reply = { readonly dns: Buffer } | { readonly text: string };
type ReplyTo = (message: Uint8Array) => Reply | undefined;

function serveDatagrams(fd: number, family: 4 | 6, replyTo: ReplyTo): () => void {
  const socket = createSocket(family === 4 ? 'udp4' : 'udp6');
  socket.on('message', (message, from) => {
    const reply = replyTo(message);
    if (reply) socket.send('dns' in reply ? reply.dns : reply.text, from.port, from.address, () => undefined);
  });
  // An answer that can't be sent is lost, as on any network.
  socket.on('error', () => undefined);
  socket.bind({ fd });
  return () => socket.close();
}

function serveStreams(fd: number, replyTo: ReplyTo): () => void {
  const clients = new Set<Socket>();
  const server = createServer((client) => {
    clients.add(client);
    client.on('close', () => clients.delete(client));
    client.on('error', () => undefined);
    client.setTimeout(patienceMs, () => client.destroy());
    let rest = Buffer.alloc(0);
    client.on('data', (data: Buffer) => {
      rest = Buffer.concat([rest, data]);
      // RFC 1035 §4.2.2: each message follows its length in two bytes; several may come at once.
      while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE()) {
        const end = 2 + rest.readUInt16BE();
        const reply = replyTo(rest.subarray(2, end));
        rest = rest.subarray(end);
        if (!reply) return client.destroy();
        client.write('dns' in reply ? withLength(reply.dns) : reply.text);
      }
      return undefined;
    });
  });
  server.listen({ fd });
  return () => {
    server.close();
    for (const client of clients) client.destroy();
  };
}

/** The answer's bytes; at most `limit` of them. */
export function answer(query: Query, zone: Zone, limit: number): Buffer {
  const known = query.class === internetClass || query.class === anyClass;
  const response = known ? zone.lookup(query.name, query.type) : { code: responseCodes.refused, answers: [] };
  return encodeResponse(query, response, limit);
}

function withLength(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

function newestZone(cluster: () => Cluster): () => Zone {
  let known: { readonly of: Cluster; readonly zone: Zone } | undefined;
  return () => {
    const newest = cluster();
    if (known?.of !== newest) known = { of: newest, zone: zoneOf(newest) };
    return known.zone;
  };
}

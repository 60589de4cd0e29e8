/** Log messages of our rules as flow events. */
import type { LoggedPacket } from '../../kernel/netfilter-log.ts';
import { makeAddress } from '../../objects/ip.ts';
import type { Address } from '../../objects/ip.ts';
import type { FlowEvent } from '../datapath.ts';
import { readPrefix } from './exits.ts';
import type { LoggedVerdict } from './exits.ts';
import type { HeldDecision, HeldTables } from './held-tables.ts';
import { readHeaders } from './packet-headers.ts';

/** NF_INET_LOCAL_IN of linux/netfilter.h. */
const localIn = 1;

interface Ends {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly sourcePort: number;
  readonly port: number;
}

/**
 * Undefined if the message is not from our rules. Rules and sets are those of `held`: exact if it is what the packet was
 * judged by; where the two disagree, the reason is the kernel's and the rule is unknown (0).
 */
export function flowEvent(packet: LoggedPacket, held: HeldTables): FlowEvent | undefined {
  const logged = readPrefix(packet.prefix);
  if (!logged || packet.bytes.length < 20) return undefined;
  const family = (packet.bytes[0] ?? 0) >> 4 === 6 ? 6 : 4;
  const headers = readHeaders(packet.bytes);
  const protocol = headers?.protocol ?? 0;
  const ends = endsOf(packet.bytes, { family, logged, protocol, transport: headers?.transport });
  const judged = held.judge({
    source: addressOf(ends.source),
    destination: addressOf(ends.destination),
    protocol,
    port: ends.port,
  });
  return {
    time: packet.time,
    family,
    hook: packet.hook === localIn ? 'local-in' : 'forward',
    ...ends,
    protocol,
    allowed: logged.allowed,
    ...decisions(logged, judged),
  };
}

function addressOf(bytes: Uint8Array): Address {
  return makeAddress(bytes.length === 4 ? 4 : 6, BigInt(`0x${Buffer.from(bytes).toString('hex')}`));
}

interface Judged {
  readonly egress: HeldDecision;
  readonly ingress: HeldDecision;
}

const unasked: HeldDecision = { reason: 'no-subject', rule: 0, set: 0 };
const unknown: HeldDecision = { reason: 'none', rule: 0, set: 0 };

function decisions({ direction, reason }: LoggedVerdict, judged: Judged): Judged {
  const agreed = (candidate: HeldDecision): HeldDecision =>
    candidate.reason === reason ? candidate : { reason, rule: 0, set: 0 };
  if (direction === 'egress' && reason === 'malformed' && judged.egress.reason === 'no-subject')
    return { egress: unasked, ingress: { reason, rule: 0, set: 0 } };
  if (direction === 'egress') return { egress: agreed(judged.egress), ingress: unasked };
  return { egress: reason === 'unprogrammed' ? unknown : judged.egress, ingress: agreed(judged.ingress) };
}

const protocolsWithPorts = new Set([6, 17, 132]);

/** Copies, and of a reply says which flow it answers. */
function endsOf(
  bytes: Uint8Array,
  given: { family: 4 | 6; logged: LoggedVerdict; protocol: number; transport: number | undefined },
): Ends {
  const { family, logged, protocol, transport } = given;
  const [start, length] = family === 4 ? [12, 4] : [8, 16];
  const source = bytes.slice(start, start + length);
  const destination = bytes.slice(start + length, start + 2 * length);
  const hasPorts = protocolsWithPorts.has(protocol) && transport !== undefined;
  const word = (at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  const [sourcePort, port] = hasPorts ? [word(transport), word(transport + 2)] : [0, 0];
  return logged.reply
    ? { source: destination, destination: source, sourcePort: port, port: sourcePort }
    : { source, destination, sourcePort, port };
}

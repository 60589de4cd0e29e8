/** The port of a question: `80/TCP`, `80`, `http`, `http/UDP`, `ICMP`. */
import { BulkheadError, failure } from '../errors.ts';
import type { Protocol } from '../objects/model.ts';

export type PortQuery =
  | { readonly kind: 'number'; readonly port: number; readonly protocol: Protocol }
  /** A container port's name, or a Service port's; without protocol whichever has the name. */
  | { readonly kind: 'name'; readonly name: string; readonly protocol?: Protocol }
  | { readonly kind: 'icmp' };

/** TCP unless said otherwise. Throws `EXPLAIN_BAD_PORT`. */
export function parsePortQuery(text: string): PortQuery {
  const [port = '', suffix, ...rest] = text.trim().split('/');
  const protocol = suffix?.toUpperCase();
  const bad = () =>
    new BulkheadError(
      failure('EXPLAIN_BAD_PORT', `"${text}" is not a port`, {
        hint: 'Write a number or a port name, with /TCP, /UDP or /SCTP behind it if it is not TCP: 80, 53/UDP, http; or ICMP.',
      }),
    );
  if (rest.length > 0 || port === '') throw bad();
  if (protocol === undefined && ['ICMP', 'ICMPV6'].includes(port.toUpperCase())) return { kind: 'icmp' };
  if (protocol !== undefined && !isProtocol(protocol)) throw bad();
  if (/^\d+$/.test(port)) {
    const number = Number(port);
    if (number < 1 || number > 65535) throw bad();
    return { kind: 'number', port: number, protocol: protocol ?? 'TCP' };
  }
  if (!/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(port)) throw bad();
  return { kind: 'name', name: port, ...(protocol === undefined ? {} : { protocol }) };
}

function isProtocol(text: string): text is Protocol {
  return text === 'TCP' || text === 'UDP' || text === 'SCTP';
}

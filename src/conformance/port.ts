/** Ports as the corpus writes them. */
import type { Protocol } from '../objects/model.ts';
import type { PortSpec, ProbePort } from './case.ts';
import { invalid } from './fields.ts';

/** `80/TCP`, named `serve-80-tcp` as upstream names it, or `web=80/TCP`. */
export function parsePort(text: string, place: string): PortSpec {
  const [, name, number = '', protocol] = /^(?:([a-z0-9-]+)=)?(\d+)\/(TCP|UDP|SCTP)$/.exec(text) ?? [];
  if (!isProtocol(protocol)) throw invalid(place, `${text} is no port such as 80/TCP or web=80/TCP`);
  return { protocol, port: Number(number), name: name ?? `serve-${number}-${protocol.toLowerCase()}` };
}

/** `80/TCP`, `ICMP`. */
export function parseProbePort(text: string, place: string): ProbePort {
  if (text === 'ICMP') return { protocol: 'ICMP', port: 0 };
  const { protocol, port } = parsePort(text, place);
  return { protocol, port };
}

function isProtocol(text: string | undefined): text is Protocol {
  return text === 'TCP' || text === 'UDP' || text === 'SCTP';
}

/** `80/TCP`, `ICMP`. */
export function portText({ protocol, port }: ProbePort): string {
  return protocol === 'ICMP' ? protocol : `${port}/${protocol}`;
}

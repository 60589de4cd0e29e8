/** Pieces of port lists that several kinds share. */
import type { Cursor } from './cursor.ts';
import type { Protocol } from './model.ts';
import { checkPortName, checkPortNumber } from './names.ts';

/** What to do about a malformed port name. */
export const portNameHint = 'Use at most 15 lower case letters, digits and hyphens.';
const protocols: readonly Protocol[] = ['TCP', 'UDP', 'SCTP'];

/** The protocol in `port.protocol`, defaulted to TCP; an unknown one is reported (and read as TCP). */
export function decodeProtocol(port: Cursor): Protocol {
  const written = port.string('protocol');
  if (written === undefined) return 'TCP';
  const protocol = protocols.find((known) => known === written);
  if (protocol) return protocol;
  const upper = protocols.find((known) => known === written.toUpperCase());
  port.at('protocol').error({
    code: 'FIELD_NOT_SUPPORTED',
    message: `Unsupported value: ${JSON.stringify(written)}: supported values: "TCP", "UDP", "SCTP"`,
    hint: upper ? `Write it in capitals: ${upper}.` : 'Use TCP, UDP or SCTP.',
  });
  return 'TCP';
}

/** A port number in field `key`; one out of range is reported. */
export function decodePortNumber(port: Cursor, key: string): number | undefined {
  const number = port.integer(key);
  if (number !== undefined) checkNumber(port.at(key), number);
  return number;
}

/** A port number or the name of a container port in field `key`. */
export function decodePortOrName(port: Cursor, key: string): number | string | undefined {
  const value = port.intOrString(key);
  if (typeof value === 'number') checkNumber(port.at(key), value);
  if (typeof value === 'string') {
    const hint = /^\d+$/.test(value) ? `Without quotes, ${value} is the port number.` : portNameHint;
    for (const problem of checkPortName(value)) port.at(key).invalid(value, problem, hint);
  }
  return value;
}

function checkNumber(at: Cursor, number: number): void {
  for (const problem of checkPortNumber(number)) at.invalid(number, problem, 'Use a number from 1 to 65535.');
}

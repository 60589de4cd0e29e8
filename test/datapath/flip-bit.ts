/**
 * Another process that writes maps through their pins: flips the lowest bit of entries.
 *   node flip-bit.ts BYTES PIN INDEX…
 */
import { closeSync } from 'node:fs';
import { BpfMap } from '../../src/kernel/bpf-map.ts';
import { libbpf } from '../../src/kernel/libbpf.ts';

const [bytes = '0', pin = '', ...indexes] = process.argv.slice(2);
const map = new BpfMap({ name: pin, fd: libbpf().get(pin) });
for (const index of indexes) {
  const key = new Uint8Array(Uint32Array.of(Number(index)).buffer);
  const value = new Uint8Array(Number(bytes));
  map.get(key, value);
  value[0] = (value[0] ?? 0) ^ 1;
  map.set(key, value);
}
closeSync(map.fd);

/**
 * Another process that writes maps through their pins: flips the lowest bit of bytes, which are counted through the map.
 *   node flip-bit.ts BYTES-OF-AN-ENTRY PIN BYTE…
 */
import { closeSync } from 'node:fs';
import { BpfMap } from '../../src/kernel/bpf-map.ts';
import { libbpf } from '../../src/kernel/libbpf.ts';

const [bytes = '0', pin = '', ...places] = process.argv.slice(2);
const size = Number(bytes);
const map = new BpfMap({ name: pin, fd: libbpf().get(pin) });
for (const place of places.map(Number)) {
  const key = new Uint8Array(Uint32Array.of(Math.floor(place / size)).buffer);
  const value = new Uint8Array(size);
  map.get(key, value);
  value[place % size] = (value[place % size] ?? 0) ^ 1;
  map.set(key, value);
}
closeSync(map.fd);

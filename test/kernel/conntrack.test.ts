import { closeSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { forgetConnections } from '../../src/kernel/conntrack.ts';
import { createNetns, deleteNetns, inNetns } from '../../src/kernel/netns.ts';
import { loadNft } from '../../src/kernel/nft.ts';
import { beginConnect, bindSocket, openSocket, send } from '../../src/kernel/socket.ts';
import { address } from '../datapath/guard-world.ts';
import { ip } from '../datapath/test-network.ts';

const netns = `/run/netns/bhtest-conntrack-${process.pid}`;
const numbers = Array.from({ length: 12 }, (_, index) => index + 1);

/** The kernel makes an IPv6 address usable in its own time, nodad or not: by a route of its own. */
async function usable(): Promise<void> {
  const routes = () => inNetns(netns, () => readFileSync('/proc/thread-self/net/ipv6_route', 'utf8'));
  const missing = () =>
    numbers.filter((number) => !routes().includes(`fd09${String(number).padStart(28, '0')} 80 `));
  await vi.waitFor(() => expect(missing()).toEqual([]), 10_000);
}

/** Pairs of source and destination of the connections that conntrack knows, as they were opened. */
function known(): string[] {
  const text = inNetns(netns, () => readFileSync('/proc/thread-self/net/nf_conntrack', 'utf8'));
  return [...text.matchAll(/ src=(\S+) dst=(\S+) .*? src=/g)].map(
    ([, from = '', to = '']) => `${address(from).text} > ${address(to).text}`,
  );
}

function connect(from: string, to: string): void {
  inNetns(netns, () => {
    const [source, destination] = [address(from), address(to)];
    const fd = openSocket('UDP', source.family);
    bindSocket(fd, { address: source, port: 0 });
    beginConnect(fd, { address: destination, port: 5353 });
    send(fd, Buffer.from('x'));
    closeSync(fd);
  });
}

describe.skipIf(process.getuid?.() !== 0)('[root] forgetting connections', () => {
  beforeEach(async () => {
    createNetns(netns, () => {
      ip(
        'link set lo up',
        'route add 10.9.9.9 dev lo',
        ...numbers.flatMap((number) => [
          `addr add 10.9.0.${number}/32 dev lo`,
          `addr add fd09::${number}/128 dev lo nodad`,
        ]),
      );
    });
    loadNft(
      netns,
      'table ip t { chain c { type nat hook output priority -100; ip daddr 10.9.9.9 dnat to 10.9.0.3; }; }\ntable ip6 t { chain c { ct state untracked; }; }',
    );
    await usable();
  });
  afterEach(() => {
    deleteNetns(netns);
  });

  test('of an address that opened, answered, or answered in the name of a Service; no others', () => {
    const stay = ['10.9.0.1 > 10.9.0.2', 'fd09::3 > fd09::2'];
    const go = ['10.9.0.3 > 10.9.0.1', '10.9.0.1 > 10.9.0.3', '10.9.0.4 > 10.9.9.9', 'fd09::1 > fd09::2'];
    for (const pair of [...stay, ...go]) {
      const [from = '', to = ''] = pair.split(' > ');
      connect(from, to);
    }
    expect(known().sort()).toEqual([...stay, ...go].sort());
    forgetConnections(netns, [address('10.9.0.3'), address('fd09::1')]);
    expect(known().sort()).toEqual(stay.toSorted());
    forgetConnections(netns, [address('10.9.0.77')]);
    forgetConnections(netns, []);
    expect(known()).toHaveLength(stay.length);
  });

  test('of many addresses at once', () => {
    for (const number of numbers) {
      connect(`10.9.0.${number}`, '10.9.0.12');
      connect(`fd09::${number}`, 'fd09::12');
    }
    const gone = numbers.slice(0, 9).flatMap((number) => [`10.9.0.${number}`, `fd09::${number}`]);
    forgetConnections(netns, gone.map(address));
    const left = numbers
      .slice(9)
      .flatMap((number) => [`10.9.0.${number} > 10.9.0.12`, `fd09::${number} > fd09::12`]);
    expect(known().sort()).toEqual(left.sort());
  });
});

/** Tables that are full: conntrack's, which attackers can fill, and our own. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Attack, Campaign } from './attack.ts';
import { controlPort, mark, privatePort } from './field.ts';
import type { Field } from './field.ts';
import { flooded } from './flood.ts';
import { udpDatagram } from './forge.ts';

/** After this long a flow of datagrams that is answered counts as a stream, which conntrack keeps (nf_conntrack_proto_udp.c). */
const streamAfterMs = 2100;

/** Datagrams of one flow to the victim, each with its own text. */
class Flow {
  readonly #field: Field;
  readonly #from: string;
  readonly #ports: readonly [number, number];

  constructor(field: Field, from: string, ports: readonly [source: number, destination: number]) {
    this.#field = field;
    this.#from = from;
    this.#ports = ports;
  }

  send(text: string): void {
    const [sourcePort, port] = this.#ports;
    const tap = this.#field.tap(this.#from);
    const content = udpDatagram({ sourcePort, port, data: mark(text) });
    tap.send(this.#field.packet(4, [this.#from, 'target/victim'], content));
    tap.close();
  }

  /** Answered, and old enough to be kept. */
  async establish(): Promise<this> {
    this.send('opening');
    await sleep(streamAfterMs);
    this.send('opening');
    return this;
  }
}

/**
 * Sends by each flow, and after that by the last one, which must be there already and may pass, until that arrives;
 * gives the names of those that did before.
 */
async function getsThrough(
  field: Field,
  flows: Readonly<Record<string, Flow>>,
  last: Flow,
): Promise<string[]> {
  const watcher = field.tap('target/victim');
  try {
    for (const [name, flow] of Object.entries(flows)) flow.send(name);
    const seen: Buffer[] = [];
    while (!seen.some((bytes) => bytes.includes(mark('last')))) {
      last.send('last');
      await sleep(2);
      seen.push(...watcher.arrived());
    }
    return Object.keys(flows).filter((name) => seen.some((bytes) => bytes.includes(mark(name))));
  } finally {
    watcher.close();
  }
}

const attackers = { from: 'attack/near', to: 'attack/accomplice' } as const;

const forgettable: Attack = {
  name: 'a pod fills the conntrack of its node with flows that nobody answers',
  standsFor: ['projectcalico/felix#617', 'kubernetes/kubernetes#18604'],
  outcome:
    'conntrack gives up such flows for new ones, and these are judged: nothing forbidden passes, what is permitted does',
  run: async (field) => {
    const established = await new Flow(field, 'target/distant', [47_000, privatePort]).establish();
    await flooded(field, { ...attackers, kind: 'datagrams' }, async () => {
      const flows = {
        forbidden: new Flow(field, 'attack/near', [47_001, privatePort]),
        'forbidden, from far': new Flow(field, 'attack/far', [47_002, privatePort]),
        permitted: new Flow(field, 'attack/near', [47_003, controlPort]),
        'permitted friend': new Flow(field, 'target/friend', [47_004, privatePort]),
        established,
      };
      expect(await getsThrough(field, flows, established)).toEqual([
        'permitted',
        'permitted friend',
        'established',
      ]);
    });
  },
};

/** The victim's policy without its friend. */
const unfriended = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: victim, namespace: target }
spec:
  podSelector: { matchLabels: { app: victim } }
  ingress: [{ from: [{ podSelector: { matchLabels: { app: distant } } }], ports: [{ port: ${privatePort}, protocol: UDP }] }]
`;

const unforgettable: Attack = {
  name: 'two pods fill the conntrack of their node with whole connections',
  standsFor: ['projectcalico/felix#617', 'projectcalico/felix PR 2456', 'kubernetes/kubernetes#71261'],
  outcome:
    'the kernel drops what would be a new connection, permitted or not, and says so in its log (table full); established ones go on and are cut when they are revoked; when there is room, all is as before',
  run: async (field) => {
    const [friend, distant] = await Promise.all([
      new Flow(field, 'target/friend', [48_000, privatePort]).establish(),
      new Flow(field, 'target/distant', [48_001, privatePort]).establish(),
    ]);
    const fresh = (port: number) => ({
      forbidden: new Flow(field, 'attack/near', [port, privatePort]),
      permitted: new Flow(field, 'attack/near', [port, controlPort]),
      'permitted friend': new Flow(field, 'target/friend', [port, privatePort]),
    });
    try {
      await flooded(field, { ...attackers, kind: 'handshakes' }, async ({ held, limit }) => {
        expect(held).toBeGreaterThanOrEqual(limit);
        expect(await getsThrough(field, { ...fresh(48_002), friend }, distant)).toEqual(['friend']);
        await field.apply(unfriended);
        expect(await getsThrough(field, { friend }, distant)).toEqual([]);
      });
    } finally {
      await field.restore();
    }
    const permitted = ['permitted', 'permitted friend', 'friend'];
    expect(await getsThrough(field, { ...fresh(48_003), friend }, distant)).toEqual(permitted);
  },
};

export const exhaustion: Campaign = {
  title: 'Full tables',
  attacks: [forgettable, unforgettable],
};

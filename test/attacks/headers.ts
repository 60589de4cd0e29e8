/** Packets whose headers hide what they are. */
import { expect } from 'vitest';
import type { ExtensionHeader } from '../../src/datapath/packet.ts';
import { addressBytes } from '../../src/objects/ip.ts';
import type { Attack, Campaign } from './attack.ts';
import { controlPort, mark, privatePort } from './field.ts';
import type { Field } from './field.ts';
import { fragments4, fragments6, protocol, tcpSegment, udpDatagram } from './forge.ts';
import type { Shape } from './forge.ts';

const attackers = ['attack/near', 'attack/far'] as const;
const ends = (from: string) => [from, 'target/victim'] as const;

/** A datagram of 24 bytes of text that begins with its mark, so that every fragment of it can be recognised. */
function marked(name: string, port: number) {
  return udpDatagram({ port, data: mark(name).repeat(40) });
}

const laterFragments: Attack = {
  name: 'later fragments carry what the first one may not: alone, before the first, over an allowed first',
  standsFor: ['openshift/ingress-node-firewall PR 730', 'projectcalico/calico#8821', 'CVE-2018-5391'],
  outcome:
    'conntrack puts fragments together first; what does not become a whole, allowed packet never arrives',
  run: async (field) => {
    for (const family of [4, 6] as const) {
      for (const from of attackers) {
        const cut = (name: string, port: number, id: number, bytes = 64) => {
          const whole = field.packet(family, ends(from), marked(name, port));
          return (family === 4 ? fragments4 : fragments6)(whole, bytes, id);
        };
        const [allowedFirst, allowedLast] = cut('allowed', controlPort, 1);
        const [first, last] = cut('denied', privatePort, 2);
        const [, alone] = cut('alone', controlPort, 3);
        const [lateFirst, early] = cut('backwards', privatePort, 4);
        const [otherFirst] = cut('overlapping', controlPort, 5);
        const [, otherLast] = cut('overlapping', privatePort, 5);
        const [overwriting] = cut('overlapping', privatePort, 5, 72);
        const packets = {
          alone: [alone],
          denied: [first, last],
          backwards: [early, lateFirst],
          overlapping: [otherFirst, overwriting, otherLast],
          allowed: [allowedFirst, allowedLast],
        };
        expect(await field.volley({ from, to: 'target/victim', packets })).toEqual(['allowed']);
      }
    }
  },
};

const tinyFragments: Attack = {
  name: 'a first fragment ends before the ports, or between them and the flags',
  standsFor: ['RFC 1858', 'RFC 3128'],
  outcome: 'as above',
  run: async (field) => {
    for (const from of attackers) {
      const packets = Object.fromEntries(
        [4, 6].flatMap((family) =>
          [8, 16].map((bytes): [string, readonly Uint8Array[]] => {
            const name = `IPv${family}, ${bytes} bytes`;
            const segment = tcpSegment({ port: privatePort, data: mark(name).repeat(9) });
            return family === 4
              ? [name, fragments4(field.packet(4, ends(from), segment), bytes, 100 + bytes)]
              : [name, fragments6(field.packet(6, ends(from), segment), bytes, 100 + bytes)];
          }),
        ),
      );
      expect(await field.volley({ from, to: 'target/victim', packets })).toEqual([]);
    }
  },
};

const padding = (type: number, blocks = 0): ExtensionHeader => ({
  protocol: type,
  rest: Uint8Array.of(blocks, 1, 4 + 8 * blocks, ...new Uint8Array(4 + 8 * blocks)),
});
const atomicFragment: ExtensionHeader = { protocol: 44, rest: Uint8Array.of(0, 0, 0, 0, 0, 0, 9) };

/** Chains of extension headers; those that hosts must understand come first. */
const chains: Readonly<Record<string, readonly ExtensionHeader[]>> = {
  'hop-by-hop options': [padding(0)],
  'destination options': [padding(60)],
  'long destination options': [padding(60, 20)],
  'destination options twice': [padding(60), padding(60)],
  'a routing header with nothing left': [{ protocol: 43, rest: Uint8Array.of(0, 253, 0, 0, 0, 0, 0) }],
  'a fragment of everything': [atomicFragment],
  'everything at once': [padding(0), padding(60), atomicFragment, padding(60)],
  'eight of them': Array<ExtensionHeader>(8).fill(padding(60)),
  'hop-by-hop not first': [padding(60), padding(0)],
  mobility: [{ protocol: 135, rest: Uint8Array.of(0, 0, 0, 0, 0, 0, 0) }],
  'a cut-off chain': [{ protocol: 60, rest: Uint8Array.of(200, 1, 4, 0, 0, 0, 0) }],
};

function shots(
  names: readonly string[],
  make: (name: string, text: string) => Uint8Array,
): Record<string, Uint8Array> {
  return Object.fromEntries(names.map((name) => [name, make(name, mark(name))]));
}

const extensionHeaders: Attack = {
  name: 'IPv6 extension headers stand before the transport header',
  standsFor: ['kubernetes-sigs/kube-network-policies PR 49', 'cilium/cilium PR 24797', 'RFC 7113'],
  outcome: 'stepped over, and the port behind them judged; chains that can not be read are dropped',
  run: async (field) => {
    for (const from of attackers) {
      const through = (port: number) =>
        shots(Object.keys(chains), (name, data) =>
          field.packet(6, ends(from), udpDatagram({ port, data }), { extensions: chains[name] ?? [] }),
        );
      expect(await field.volley({ from, to: 'target/victim', packets: through(privatePort) })).toEqual([]);
      const allowed = await field.volley({ from, to: 'target/victim', packets: through(controlPort) });
      expect(allowed).toEqual(
        expect.arrayContaining(['hop-by-hop options', 'destination options', 'long destination options']),
      );
      expect(allowed).not.toContain('a cut-off chain');
    }
  },
};

/** As an administrator might set it who does not know better. */
const sourceRoutesWelcome = {
  'ipv4/conf/all/accept_source_route': '1',
  'ipv6/conf/all/accept_source_route': '1',
  'ipv6/conf/all/seg6_enabled': '1',
  'ipv6/conf/all/rpl_seg_enabled': '1',
};

function sourceRouted(field: Field, from: string): Record<string, Uint8Array> {
  const [route4, route6] = ([4, 6] as const).map((family) => [
    ...addressBytes(field.address('target/victim', family)),
  ]);
  const packets: Record<string, Uint8Array> = {};
  for (const via of ['node-1', 'attack/accomplice']) {
    for (const [kind, type] of [
      ['loose', 131],
      ['strict', 137],
    ] as const) {
      const name = `${kind} source route by ${via}`;
      const shape: Shape = { options: Uint8Array.of(type, 7, 4, ...(route4 ?? []), 0) };
      packets[name] = field.packet(
        4,
        [from, via],
        udpDatagram({ port: privatePort, data: mark(name) }),
        shape,
      );
    }
    for (const type of [0, 2, 3, 4]) {
      const name = `routing header ${type} by ${via}`;
      const rest = Uint8Array.of(2, type, 1, 0, 0, 0, 0, ...(route6 ?? []));
      const shape: Shape = { extensions: [{ protocol: 43, rest }] };
      packets[name] = field.packet(
        6,
        [from, via],
        udpDatagram({ port: privatePort, data: mark(name) }),
        shape,
      );
    }
  }
  return packets;
}

const sourceRouting: Attack = {
  name: 'a packet says by whom it wants to be forwarded: IPv4 source routes, IPv6 routing headers',
  standsFor: ['CVE-2007-2242', 'RFC 5095', 'RFC 6274'],
  outcome:
    'not forwarded by default; where source routes are switched on, judged for whom they name in the end',
  run: async (field) => {
    for (const from of attackers) {
      const packets = sourceRouted(field, from);
      expect(await field.volley({ from, to: 'target/victim', packets })).toEqual([]);
      await field.setting('node-1', sourceRoutesWelcome, async () => {
        await field.setting('attack/accomplice', sourceRoutesWelcome, async () => {
          expect(await field.volley({ from, to: 'target/victim', packets })).toEqual([]);
        });
      });
    }
  },
};

const options: Attack = {
  name: 'IPv4 options look like the transport header that would be allowed',
  standsFor: ['CVE-1999-0265'],
  outcome: 'stepped over; the port behind them is judged',
  run: async (field) => {
    // No-operation options would do too; these read as ports and length of an allowed datagram.
    const decoy = Uint8Array.of(1, 1, controlPort >> 8, controlPort & 255, 1, 1, 1, 0);
    for (const from of attackers) {
      const packets = shots(['decoy', 'all of it', 'record route'], (name, data) =>
        field.packet(4, ends(from), udpDatagram({ port: privatePort, data }), {
          options:
            name === 'decoy'
              ? decoy
              : name === 'all of it'
                ? new Uint8Array(40).fill(1)
                : Uint8Array.of(7, 7, 4, 0, 0, 0, 0, 0),
        }),
      );
      expect(await field.volley({ from, to: 'target/victim', packets })).toEqual([]);
    }
  },
};

/** A packet that is allowed, to be wrapped into one that is not. */
function inner(field: Field, family: 4 | 6, name: string): Uint8Array {
  const content = udpDatagram({ port: controlPort, data: mark(name) });
  return field.packet(family, ['target/friend', 'target/victim'], content);
}

const rawProtocols: Attack = {
  name: 'raw sockets: protocols without ports, packets within packets, ports of other protocols',
  standsFor: ['MS-M9013', 'kubernetes/kubernetes PR 102509'],
  outcome:
    'dropped: rules with ports say nothing about protocols without, and nothing unpacks what is within',
  run: async (field) => {
    for (const family of [4, 6] as const) {
      for (const from of attackers) {
        const packets = shots(
          ['GRE', 'ESP', 'UDPLITE', 'SCTP', 'IPIP', 'IPV6', 'protocol 0', 'protocol 255', 'no next header'],
          (name, data) => {
            const number =
              { 'protocol 0': 253, 'protocol 255': 255, 'no next header': 59 }[name] ??
              protocol[name as 'GRE' | 'ESP' | 'UDPLITE' | 'SCTP' | 'IPIP' | 'IPV6'];
            const payload =
              name === 'IPIP' || name === 'IPV6'
                ? inner(field, name === 'IPIP' ? 4 : 6, name)
                : Buffer.concat([
                    udpDatagram({ port: controlPort }).payload,
                    Buffer.alloc(8),
                    Buffer.from(data),
                  ]);
            return field.packet(family, ends(from), { protocol: number, payload });
          },
        );
        expect(await field.volley({ from, to: 'target/victim', packets })).toEqual([]);
      }
    }
  },
};

const lyingLengths: Attack = {
  name: 'transport headers cut short, and lengths that lie',
  standsFor: ['RFC 1858', 'CVE-2020-13988'],
  outcome: 'dropped: by the kernel, or because the port can not be read',
  run: async (field) => {
    for (const family of [4, 6] as const) {
      for (const from of attackers) {
        const packets = Object.fromEntries(
          [1, 2, 3, 7].map((bytes): [string, Uint8Array] => {
            const payload = Buffer.from(mark('x')).subarray(0, bytes);
            return [
              `${bytes} bytes of UDP`,
              field.packet(family, ends(from), { protocol: protocol.UDP, payload }),
            ];
          }),
        );
        const victims = await field.arrivals({ from, to: 'target/victim', packets });
        const sent = new Set(Object.values(packets).map((bytes) => bytes.length));
        expect(victims.filter((bytes) => sent.has(bytes.length))).toEqual([]);
      }
    }
  },
};

export const headers: Campaign = {
  title: 'Headers',
  attacks: [
    laterFragments,
    tinyFragments,
    extensionHeaders,
    sourceRouting,
    options,
    rawProtocols,
    lyingLengths,
  ],
};

/** Packets that want to pass as part of a connection that somebody else opened, or that is allowed no more. */
import { expect } from 'vitest';
import type { Attack, Campaign } from './attack.ts';
import { mark, privatePort } from './field.ts';
import { echo, icmpMessage, tcpFlags, tcpSegment, udpDatagram } from './forge.ts';

const families = [4, 6] as const;

const ridingEcho: Attack = {
  name: 'an echo request rides on the ping of its victim',
  standsFor: ['GHSA-c66w-hq56-4q97'],
  outcome: 'dropped: a request is no reply, whatever its id; the reply passes',
  run: async (field) => {
    for (const family of families) {
      for (const [who, id] of [
        ['attack/near', 0x1234],
        ['attack/far', 0x1235],
      ] as const) {
        const ping = field.packet(family, ['target/victim', who], echo(family, { id, data: mark('ping') }));
        expect(await field.volley({ from: 'target/victim', to: who, packets: { ping } })).toEqual(['ping']);
        const back = (reply: boolean, name: string, other: number = id) =>
          field.packet(family, [who, 'target/victim'], echo(family, { reply, id: other, data: mark(name) }));
        const packets = {
          request: back(false, 'request'),
          'request again': back(false, 'request again'),
          'reply to nothing': back(true, 'reply to nothing', id + 100),
          reply: back(true, 'reply'),
        };
        expect(await field.volley({ from: who, to: 'target/victim', packets })).toEqual(['reply']);
      }
    }
  },
};

const neighbouringFlow: Attack = {
  name: 'datagrams use the flow that a victim opened, on other ports or from another pod',
  standsFor: ['aws-network-policy-agent#462', 'aws-network-policy-agent PR 102'],
  outcome: 'dropped: only the very flow has a reply direction',
  run: async (field) => {
    for (const family of families) {
      const opening = field.packet(
        family,
        ['target/victim', 'attack/far'],
        udpDatagram({ sourcePort: 41_000, port: 9000, data: mark('opening') }),
      );
      const to = 'attack/far';
      expect(await field.volley({ from: 'target/victim', to, packets: { opening } })).toEqual(['opening']);
      const back = (from: string, name: string, [sourcePort, port]: readonly [number, number]) =>
        field.packet(family, [from, 'target/victim'], udpDatagram({ sourcePort, port, data: mark(name) }));
      const fromFar = {
        reply: back('attack/far', 'reply', [9000, 41_000]),
        'another source port': back('attack/far', 'another source port', [9001, 41_000]),
        'another destination port': back('attack/far', 'another destination port', [9000, privatePort]),
        'a segment, not a datagram': field.packet(
          family,
          ['attack/far', 'target/victim'],
          tcpSegment({ sourcePort: 9000, port: 41_000, data: mark('a segment, not a datagram') }),
        ),
      };
      expect(await field.volley({ from: 'attack/far', to: 'target/victim', packets: fromFar })).toEqual([
        'reply',
      ]);
      const packets = { 'another pod': back('attack/near', 'another pod', [9000, 41_000]) };
      expect(await field.volley({ from: 'attack/near', to: 'target/victim', packets })).toEqual([]);
    }
  },
};

const withoutSyn: Attack = {
  name: 'segments without a beginning: SYN+ACK, ACK, FIN, RST, no flag, all flags',
  standsFor: ['MS-TA9031'],
  outcome: 'judged like a connection of their sender, and dropped',
  run: async (field) => {
    const { fin, syn, rst, psh, ack, urg } = tcpFlags;
    const flags = {
      'SYN+ACK': syn | ack,
      ACK: ack,
      FIN: fin,
      RST: rst,
      none: 0,
      all: 63,
      'FIN+PSH+URG': fin | psh | urg,
    };
    for (const family of families) {
      for (const from of ['attack/near', 'attack/far']) {
        const packets = Object.fromEntries(
          Object.entries(flags).flatMap(([name, bits]) =>
            [privatePort, 45_000].map((port): [string, Uint8Array] => {
              const text = `${name} to ${port}`;
              const segment = tcpSegment({ sourcePort: 80, port, flags: bits, data: mark(text) });
              return [text, field.packet(family, [from, 'target/victim'], segment)];
            }),
          ),
        );
        expect(await field.volley({ from, to: 'target/victim', packets })).toEqual([]);
      }
    }
  },
};

const forgedOpening: Attack = {
  name: 'a pod opens a flow in the name of its victim, so that an accomplice may answer the victim',
  standsFor: ['MS-TA9036'],
  outcome: 'the forged packet is dropped before conntrack, so there is no flow to answer',
  run: async (field) => {
    for (const family of families) {
      const forged = field.packet(
        family,
        ['target/victim', 'attack/far'],
        udpDatagram({ sourcePort: 42_000, port: 9000, data: mark('forged') }),
      );
      expect(await field.volley({ from: 'attack/near', to: 'attack/far', packets: { forged } })).toEqual([]);
      const answer = field.packet(
        family,
        ['attack/far', 'target/victim'],
        udpDatagram({ sourcePort: 9000, port: 42_000, data: mark('answer') }),
      );
      expect(await field.volley({ from: 'attack/far', to: 'target/victim', packets: { answer } })).toEqual(
        [],
      );
    }
  },
};

const forgedReply: Attack = {
  name: 'a pod answers a flow in the name of the one that was asked',
  standsFor: ['MS-TA9035', 'MS-TA9036'],
  outcome: 'dropped before conntrack: replies are checked like everything else',
  run: async (field) => {
    for (const family of families) {
      const question = field.packet(
        family,
        ['target/victim', 'target/friend'],
        udpDatagram({ sourcePort: 43_000, port: 53, data: mark('question') }),
      );
      await field.volley({ from: 'target/victim', to: 'target/friend', packets: { question } });
      const answer = field.packet(
        family,
        ['target/friend', 'target/victim'],
        udpDatagram({ sourcePort: 53, port: 43_000, data: mark('answer') }),
      );
      expect(await field.volley({ from: 'attack/near', to: 'target/victim', packets: { answer } })).toEqual(
        [],
      );
      const to = 'target/victim';
      expect(await field.volley({ from: 'target/friend', to, packets: { answer } })).toEqual(['answer']);
    }
  },
};

/** ICMP "fragmentation needed", ICMPv6 "packet too big", about a packet; both may shrink what its sender sends. */
function tooBig(family: 4 | 6, about: Uint8Array): ReturnType<typeof icmpMessage> {
  const [type, code] = family === 4 ? [3, 4] : [2, 0];
  return icmpMessage(family, { type, code, body: Buffer.concat([Uint8Array.of(0, 0, 2, 40), about]) });
}

const foreignError: Attack = {
  name: 'a pod reports an ICMP error about a connection of two others',
  standsFor: ['CVE-2004-0790', 'CVE-2004-1060'],
  outcome: 'judged by its policies like any ICMP, and dropped: a pod reports only what was sent to itself',
  run: async (field) => {
    for (const family of families) {
      const about = field.packet(
        family,
        ['target/victim', 'target/distant'],
        udpDatagram({ sourcePort: 44_000, port: 5000, data: mark('error') }),
      );
      await field.volley({ from: 'target/victim', to: 'target/distant', packets: { error: about } });
      for (const from of ['attack/near', 'attack/accomplice', 'attack/far']) {
        const error = field.packet(family, [from, 'target/victim'], tooBig(family, about));
        expect(await field.volley({ from, to: 'target/victim', packets: { error } })).toEqual([]);
      }
      const error = field.packet(family, ['target/distant', 'target/victim'], tooBig(family, about));
      const from = 'target/distant';
      expect(await field.volley({ from, to: 'target/victim', packets: { error } })).toEqual(['error']);
    }
  },
};

const noEgress = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: no-egress, namespace: target }
spec:
  podSelector: { matchLabels: { app: victim } }
  policyTypes: [Egress]
  egress: [{ to: [{ podSelector: {} }] }]
`;

const afterRevocation: Attack = {
  name: 'a server goes on sending to a client that may not talk to it any more',
  standsFor: ['projectcalico/calico#2759', 'projectcalico/calico#6399', 'cilium/cilium#17459'],
  outcome: 'cut with the next packet: replies are judged by the flow that they answer',
  run: async (field) => {
    for (const family of families) {
      for (const server of ['attack/near', 'attack/far']) {
        const opening = field.packet(
          family,
          ['target/victim', server],
          udpDatagram({ sourcePort: 45_000, port: 9000, data: mark('opening') }),
        );
        await field.volley({ from: 'target/victim', to: server, packets: { opening } });
        const push = field.packet(
          family,
          [server, 'target/victim'],
          udpDatagram({ sourcePort: 9000, port: 45_000, data: mark('push') }),
        );
        const sending = { from: server, to: 'target/victim', packets: { push } };
        expect(await field.volley(sending)).toEqual(['push']);
        await field.with(noEgress, async () => {
          expect(await field.volley(sending)).toEqual([]);
        });
        expect(await field.volley(sending)).toEqual(['push']);
      }
    }
  },
};

export const connections: Campaign = {
  title: 'Connections',
  attacks: [
    ridingEcho,
    neighbouringFlow,
    withoutSyn,
    forgedOpening,
    forgedReply,
    foreignError,
    afterRevocation,
  ],
};

/** Where nobody has said what pods' interfaces are called, and so nothing stops forged sources ahead of the verdict. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ipv4, ipv6, udp } from '../../src/datapath/packet.ts';
import type { Datapath } from '../../src/datapath/datapath.ts';
import { openEbpfDatapath } from '../../src/datapath/ebpf/ebpf-datapath.ts';
import { openNftablesDatapath } from '../../src/datapath/nftables/nftables-datapath.ts';
import { until } from './conversation.ts';
import { world, worldDelta } from './guard-world.ts';
import { isRoot, objectPath, testCapacity } from './kernel-tables.ts';
import { sendRaw } from './raw-packets.ts';
import { TestNetwork } from './test-network.ts';

const engines: Record<string, (network: TestNetwork) => Datapath> = {
  ebpf: ({ node, pinDir }) => openEbpfDatapath({ netns: node, pinDir, objectPath, capacity: testCapacity }),
  nftables: ({ node }) => openNftablesDatapath({ netns: node }),
};

describe.skipIf(!isRoot).each(Object.keys(engines))('[root] %s that knows no interfaces', (engine) => {
  let network: TestNetwork;
  let datapath: Datapath;

  beforeEach(() => {
    network = new TestNetwork();
    const opened = engines[engine]?.(network);
    if (!opened) throw new Error(`no engine ${engine}`);
    datapath = opened;
    datapath.apply(worldDelta);
  });
  afterEach(() => {
    datapath.detach();
    network.remove();
  });

  test('who claims to be the one it writes to is not taken for somebody that talks to itself', async () => {
    const payload = udp({ port: 54 });
    const denied = (): bigint => datapath.counters().reasons['default-deny'].denied.packets;
    const forged = [
      ipv4({ source: world[4].server, destination: world[4].server, protocol: 17, payload }),
      ipv6({ source: world[6].server, destination: world[6].server, protocol: 17, payload }),
    ];
    for (const packet of forged) {
      const before = denied();
      sendRaw({ netns: network.pod('client'), packet });
      await until(() => denied() > before);
    }
    expect(datapath.counters().reasons.self.allowed.packets).toBe(0n);
  });
});

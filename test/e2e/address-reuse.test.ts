/** Addresses that go from pods that end to others, on real nodes, while all of them send every millisecond. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { imageReference, root } from '../../scripts/deploy/names.ts';
import { InstalledCluster, podOn, whyNoLongRun as why } from './installed-cluster.ts';
import { startServer } from './server-for-senders.ts';

/** One after the other; each begins while the one before it ends. */
const lives = [
  { may: 'everything', isDeleted: true },
  { may: 'everything', isDeleted: false },
  { may: 'stranger', isDeleted: true },
  { may: 'stranger', isDeleted: false },
  { may: 'everything', isDeleted: true },
  { may: 'nothing', isDeleted: true },
  { may: 'everything', isDeleted: false },
  { may: 'stranger', isDeleted: true },
  { may: 'nothing', isDeleted: false },
] as const;

const ports = { first: 9000, last: 9999 };

/** What is still sent after the signal to end has a port of its own. */
const portsOf = (index: number) => ({
  running: ports.first + 2 * index,
  ending: ports.first + 2 * index + 1,
});

/** Sends from its first instruction on; the signal gives it two seconds more. */
const sender = (address: string, { running, ending }: ReturnType<typeof portsOf>): string => `
  const socket = require('node:dgram').createSocket('udp4');
  let port = ${running};
  process.on('SIGTERM', () => { port = ${ending}; setTimeout(() => process.exit(), 2000); });
  const send = () => socket.send('x', port, '${address}', () => setTimeout(send, 1));
  send();`;

/** Counts by port: what pods of the node send, before anybody judges it, and what gets through to pods of the node. */
const counting = `nft -f - <<'END'
  table inet count
  delete table inet count
  table inet count {
    set sent { type inet_service; size 65535; flags dynamic; }
    set passed { type inet_service; size 65535; flags dynamic; }
    chain before { type filter hook prerouting priority -350; udp dport ${ports.first}-${ports.last} update @sent { udp dport counter }; }
    chain after { type filter hook postrouting priority 300; udp dport ${ports.first}-${ports.last} update @passed { udp dport counter }; }
  }
END`;

describe.skipIf(why !== undefined)(
  `[root] addresses of pods that end${why === undefined ? '' : ` (skipped: ${why})`}`,
  () => {
    const installed = new InstalledCluster('r');
    const kubectl = installed.kubectl.bind(installed);
    let server = '';

    beforeAll(async () => {
      await installed.up();
      server = await startServer(installed);
      for (const node of ['n1', 'n2']) await fewAddresses(node);
    });

    afterAll(async () => installed.down());

    /** New pods of the node get one of two addresses. */
    async function fewAddresses(node: string): Promise<void> {
      const path = '/etc/cni/net.d/10-pods.conflist';
      const { plugins, ...list } = JSON.parse(await installed.onNode(node, `cat ${path}`)) as {
        plugins: { ipam: { ranges: { subnet: string }[][] } }[];
      };
      for (const range of plugins.flatMap(({ ipam }) => ipam.ranges.flat())) {
        const prefix = range.subnet.replace(/0\/24$/, '');
        Object.assign(range, { rangeStart: `${prefix}200`, rangeEnd: `${prefix}201` });
      }
      await installed.onNode(node, `cat > ${path} <<'END'\n${JSON.stringify({ ...list, plugins })}\nEND\n`);
      // The container runtime reads it within a moment.
      await sleep(1000);
    }

    /** By port. */
    async function counted(node: string, set: 'passed' | 'sent'): Promise<ReadonlyMap<number, number>> {
      const text = await installed.onNode(node, `nft list set inet count ${set}`);
      const found = text.matchAll(/(\d+) counter packets (\d+)/g);
      return new Map([...found].map(([, port, packets]) => [Number(port), Number(packets)]));
    }

    /** Gives their addresses, once all have come and gone. */
    async function comeAndGo(node: string): Promise<ReadonlySet<string>> {
      const addresses = new Set<string>();
      for (const [index, { may, isDeleted }] of lives.entries()) {
        const name = `${node}-${index}`;
        const { running } = portsOf(index);
        const command = ['/usr/bin/node', '-e', sender(server, portsOf(index))];
        await installed.apply(podOn(node, name, { image: imageReference, command }, { may }));
        await kubectl(['wait', `pod/${name}`, '--for=jsonpath={.status.phase}=Running', '--timeout=60s']);
        addresses.add(await kubectl(['get', 'pod', name, '-o', 'jsonpath={.status.podIP}']));
        if (may === 'everything') while (!(await counted('n1', 'passed')).has(running)) await sleep(50);
        else await sleep(1000);
        // Process 1 of the container.
        const end = isDeleted
          ? ['delete', 'pod', name, '--grace-period=10', '--wait=false']
          : ['exec', name, '--', '/usr/bin/node', '-e', 'process.kill(1)'];
        await kubectl(end);
      }
      const last = `pod/${node}-${lives.length - 1}`;
      await kubectl(['wait', last, '--for=jsonpath={.status.phase}=Succeeded', '--timeout=60s']);
      const names = [...lives.keys()].map((index) => `${node}-${index}`);
      await kubectl(['delete', 'pod', '--ignore-not-found', '--timeout=60s', ...names]);
      return addresses;
    }

    describe.each(['ebpf', 'nftables'])('with %s', (engine) => {
      beforeAll(async () => {
        const manifest = readFileSync(join(root, 'deploy/bulkhead.yaml'), 'utf8');
        const own = manifest.replace('--datapath=auto', `--datapath=${engine}`);
        await kubectl(['apply', '-f', '-'], own);
        await installed.rolledOut();
      });

      test.each(['n1', 'n2'])(
        'on %s what is forbidden never passes, whoever had the address before, and what is permitted does until the end',
        async (node) => {
          for (const one of ['n1', 'n2']) await installed.onNode(one, counting);
          const addresses = await comeAndGo(node);
          expect(addresses.size).toBe(2);
          const [sent, passed] = [await counted(node, 'sent'), await counted('n1', 'passed')];
          for (const [index, { may }] of lives.entries()) {
            const { running, ending } = portsOf(index);
            for (const port of [running, ending]) expect(sent.get(port)).toBeGreaterThan(10);
            if (may === 'everything') expect(passed.get(ending)).toBe(sent.get(ending));
            else expect([passed.get(running), passed.get(ending)]).toEqual([undefined, undefined]);
          }
        },
      );
    });
  },
);

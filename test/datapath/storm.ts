/**
 * Policies that replace each other as fast as can be while another process judges packets by them. Each allows the
 * packet, but only as a whole: sets and identities of two of them together match nothing.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { ipv4, tcp } from '../../src/datapath/packet.ts';
import type { AddressValue, Delta } from '../../src/compiler/tables.ts';
import type { Counters } from '../../src/datapath/datapath.ts';
import { ensureBpffs } from '../../src/kernel/bpffs.ts';
import { libbpf } from '../../src/kernel/libbpf.ts';
import { unmountAll } from '../../src/kernel/mount.ts';
import { world } from './guard-world.ts';
import { KernelTables } from './kernel-tables.ts';

const { client, server } = world[4];

/** The policy number `n`, or nothing at all for 0: ids are its own. */
function policy(n: number) {
  const value = (identity: number, egressSet: number): AddressValue => ({
    identity,
    ingressSet: 0,
    egressSet,
    role: 'local-pod',
  });
  return {
    ports: [{ class: n, protocol: 0, port: 0, prefixLength: 0, allow: true, rule: 1 }],
    classes: [{ set: n, identity: n, class: n, lengths: 2 ** 31 }],
    client: value(0, n),
    server: value(n, 0),
  };
}

function change(from: number, to: number): Delta {
  const [old, next] = [policy(from), policy(to)];
  return {
    add: { ports: next.ports, classes: next.classes },
    stage: {
      addresses: [
        { address: client, to: next.client, ...(from ? { from: old.client } : {}) },
        { address: server, to: next.server, ...(from ? { from: old.server } : {}) },
      ],
      cidrs: [],
    },
    sweep: from ? { ports: old.ports, classes: old.classes } : { ports: [], classes: [] },
  };
}

/** What was counted while policies replaced each other until the counters say that it is `enough`. */
export async function storm(objectPath: string, enough: (counters: Counters) => boolean): Promise<Counters> {
  const bpffs = `/run/bulkhead-test/storm-${process.pid}`;
  ensureBpffs(bpffs);
  const kernel = new KernelTables({ objectPath, events: false });
  const packet = ipv4({ source: client, destination: server, protocol: 6, payload: tcp({ port: 80 }) });
  try {
    kernel.tables.apply(change(0, 1));
    const pinned = `${bpffs}/program`;
    libbpf().pin(kernel.object.programs.forward4, pinned);
    const judge = spawn(
      process.execPath,
      [
        '--disable-warning=ExperimentalWarning',
        `${import.meta.dirname}/judge-forever.ts`,
        pinned,
        Buffer.from(packet).toString('hex'),
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    try {
      await once(judge.stdout, 'data');
      for (let n = 1; n % 100 > 0 || !enough(kernel.counters()); n++) {
        kernel.tables.apply(change(n, n + 1));
        kernel.tables.sweep();
      }
    } finally {
      const gone = once(judge, 'exit');
      judge.kill('SIGKILL');
      await gone;
    }
    return kernel.counters();
  } finally {
    kernel.close();
    unmountAll(bpffs);
    rmSync(bpffs, { recursive: true });
  }
}

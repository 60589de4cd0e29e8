/** Policies that replace each other as fast as can be while another process judges packets by them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { ipv4, tcp } from '../../src/datapath/packet.ts';
import type { Counters } from '../../src/datapath/datapath.ts';
import { ensureBpffs } from '../../src/kernel/bpffs.ts';
import { libbpf } from '../../src/kernel/libbpf.ts';
import { unmountAll } from '../../src/kernel/mount.ts';
import { world } from './guard-world.ts';
import { KernelTables } from './kernel-tables.ts';
import { policyChange } from './policy-chain.ts';

const { client, server } = world[4];

/** What was counted while policies replaced each other until the counters say that it is `enough`. */
export async function storm(objectPath: string, enough: (counters: Counters) => boolean): Promise<Counters> {
  const bpffs = `/run/bulkhead-test/storm-${process.pid}`;
  ensureBpffs(bpffs);
  const kernel = new KernelTables({ objectPath, events: false });
  const packet = ipv4({ source: client, destination: server, protocol: 6, payload: tcp({ port: 80 }) });
  try {
    kernel.tables.apply(policyChange(0, 1));
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
        kernel.tables.apply(policyChange(n, n + 1));
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

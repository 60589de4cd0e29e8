/** Which Node a machine is where nobody says it: the kubelet names it for its host, in lower case. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { detachEngines } from '../../src/agent/node-datapath.ts';
import { isRoot } from '../datapath/kernel-tables.ts';
import { TestNetwork } from '../datapath/test-network.ts';
import { FakeApiServer } from '../kubernetes/fake-api-server.ts';

const program = join(import.meta.dirname, '../../src/cli/main.ts');

describe.skipIf(!isRoot)('[root] on a host called Worker-1.Example', () => {
  let directory: string;
  let api: FakeApiServer;

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'bulkhead-host-'));
    api = await FakeApiServer.start();
    const config = {
      'current-context': 'c',
      contexts: [{ name: 'c', context: { cluster: 'c', user: 'c' } }],
      clusters: [{ name: 'c', cluster: { server: api.url } }],
      users: [{ name: 'c', user: {} }],
    };
    writeFileSync(join(directory, 'kubeconfig'), JSON.stringify(config));
  });

  afterEach(async () => {
    await api.stop();
    rmSync(directory, { recursive: true });
  });

  /** What it says, on both streams. */
  async function run(args: readonly string[], before: readonly string[] = []): Promise<string> {
    const command = [
      ...before,
      process.execPath,
      program,
      ...args,
      `--kubeconfig=${directory}/kubeconfig`,
      `--run-dir=${directory}/run`,
      `--cni-conf-dir=${directory}`,
      `--cni-bin-dir=${directory}`,
    ];
    const named = 'echo Worker-1.Example > /proc/sys/kernel/hostname && exec "$@"';
    const child = spawn('unshare', ['--uts', 'sh', '-c', named, 'sh', ...command], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const deadline = setTimeout(() => child.kill('SIGKILL'), 60_000);
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
    clearTimeout(deadline);
    return out + err;
  }

  test('doctor asks for the Node worker-1.example', async () => {
    await run(['doctor', `--bpffs=${directory}`]);
    const asked = api.requests.map(({ path }) => path).filter((path) => path.startsWith('/api/v1/nodes/'));
    expect([...new Set(asked)]).toEqual(['/api/v1/nodes/worker-1.example']);
  });

  test('an agent is that of worker-1.example', async () => {
    const network = new TestNetwork();
    try {
      const options = [
        'agent',
        `--bpffs=${network.bpffs}`,
        '--datapath=nftables',
        // It begins, says for whom, and ends.
        '--health-address=203.0.113.9',
      ];
      const said = await run(options, ['nsenter', `--net=${network.node}`]);
      expect(said).toContain('AGENT_NOT_LISTENING');
      expect(said).toMatch(/starting\b.*\bnode"?[=:]"?worker-1\.example\b/);
    } finally {
      detachEngines({ netns: network.node, bpffs: network.bpffs, pinDir: `${network.bpffs}/bulkhead` });
      network.remove();
    }
  });
});

/** What the process of an agent does where it can't begin. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { detachEngines } from '../../src/agent/node-datapath.ts';
import { isRoot } from '../datapath/kernel-tables.ts';
import { TestNetwork } from '../datapath/test-network.ts';

describe.skipIf(!isRoot)('[root] an agent that can not begin', () => {
  let network: TestNetwork;
  let directory: string;
  beforeAll(() => {
    network = new TestNetwork();
    directory = mkdtempSync(join(tmpdir(), 'bulkhead-run-'));
    const config = {
      'current-context': 'c',
      contexts: [{ name: 'c', context: { cluster: 'c', user: 'c' } }],
      clusters: [{ name: 'c', cluster: { server: 'http://127.0.0.1:1' } }],
      users: [{ name: 'c', user: {} }],
    };
    writeFileSync(join(directory, 'kubeconfig'), JSON.stringify(config));
    writeFileSync(join(directory, 'file'), '');
    mkdirSync(join(directory, 'socket', 'debug.sock'), { recursive: true });
    mkdirSync(join(directory, 'run', 'gate', 'no-claim'), { recursive: true });
  });
  afterAll(() => {
    detachEngines({ netns: network.node, bpffs: network.bpffs, pinDir: `${network.bpffs}/bulkhead` });
    network.remove();
    rmSync(directory, { recursive: true });
  });

  test.each([
    [
      'an address that is not of this machine',
      'run',
      ['--health-address=203.0.113.9'],
      'AGENT_NOT_LISTENING',
    ],
    ['a socket whose name a directory has', 'socket', [], 'AGENT_NOT_LISTENING'],
    ['a run directory that is a file', 'file', [], 'AGENT_RUN_DIRECTORY'],
  ])('ends, and says why: %s', async (_, runDirectory, options, code) => {
    const program = ['src/cli/main.ts', 'agent', '--node-name=n1', '--datapath=nftables', '--health-port=0'];
    const places = [`--kubeconfig=${directory}/kubeconfig`, `--run-dir=${directory}/${runDirectory}`];
    places.push(`--bpffs=${network.bpffs}`);
    const command = [process.execPath, ...program, ...places, `--cni-conf-dir=${directory}`, ...options];
    const agent = spawn('nsenter', [`--net=${network.node}`, ...command], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const told = text(agent.stderr);
    const deadline = setTimeout(() => agent.kill('SIGKILL'), 15_000);
    const [exitCode] = (await once(agent, 'close')) as [number | null];
    clearTimeout(deadline);
    expect(await told).toContain(`error ${code}: `);
    expect(exitCode).toBe(2);
  });
});

/** The two servers of an agent: what anybody may ask for by TCP must not cost the agent its time. */
import { mkdtempSync, rmSync } from 'node:fs';
import { request, Agent as HttpAgent } from 'node:http';
import type { IncomingMessage, RequestOptions } from 'node:http';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AgentServers } from '../../src/agent/agent-servers.ts';
import { Health } from '../../src/agent/health.ts';
import { LiveCluster } from '../../src/agent/live-cluster.ts';
import { AgentMetrics } from '../../src/agent/metrics/agent-metrics.ts';
import { NodeEnforcer } from '../../src/agent/node-enforcer.ts';
import { nodePolicyStatus } from '../../src/agent/node-status.ts';
import { FlowJournal } from '../../src/observe/flow-journal.ts';
import { agentOptions } from './agent-options.ts';
import { FakeDatapath } from './fake-datapath.ts';

describe('/metrics', () => {
  let directory: string;
  let servers: AgentServers;
  /** How often a page was made. */
  let made = 0;
  const keepAlive = new HttpAgent({ keepAlive: true, maxSockets: 4 });

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'bulkhead-servers-'));
    made = 0;
    const cluster = new LiveCluster();
    const enforcer = new NodeEnforcer('n1', () => new FakeDatapath());
    servers = new AgentServers({
      options: agentOptions({ node: '', bpffs: directory }, directory, { node: 'n1', engine: 'ebpf' }),
      health: new Health({ stallMs: 30_000 }),
      metrics: new AgentMetrics({ version: '0', engine: 'ebpf' }),
      journal: new FlowJournal('n1', () => ({
        version: 0,
        snapshot: { cluster: cluster.cluster, ...enforcer.judging },
      })),
      enforcer,
      room: () => {
        made += 1;
        return { capacity: {}, taken: 0, limit: 0 };
      },
      status: () =>
        nodePolicyStatus(
          {
            agentVersion: '0',
            engine: 'ebpf',
            agentNamespace: undefined,
            realisedResourceVersion: '',
            policies: 0,
            localPods: 0,
            refusals: new Map(),
            conditions: new Map(),
          },
          new Date(),
        ),
      cluster,
    });
    await servers.start();
  });

  afterEach(async () => {
    keepAlive.destroy();
    await servers.stop();
    rmSync(directory, { recursive: true });
  });

  async function page(options: RequestOptions): Promise<string> {
    const asked = request({ path: '/metrics', ...options }).end();
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    expect(response.statusCode).toBe(200);
    return text(response);
  }

  test('is made once in a second, however many ask by TCP', async () => {
    const began = performance.now();
    const ask = async () => page({ host: '127.0.0.1', port: servers.port, agent: keepAlive });
    const pages = await Promise.all(Array.from({ length: 400 }, ask));
    const seconds = (performance.now() - began) / 1000;
    expect(pages.every((one) => one.includes('bulkhead_build_info'))).toBe(true);
    expect(made).toBeGreaterThan(0);
    expect(made).toBeLessThanOrEqual(1 + Math.floor(seconds));
  });

  test('is as of now for root on the node', async () => {
    const socketPath = join(directory, 'debug.sock');
    for (const count of [1, 2, 3]) {
      await page({ socketPath });
      expect(made).toBe(count);
    }
  });
});

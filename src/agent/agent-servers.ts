/**
 * What the agent answers. To probes and scrapers by TCP: health and metrics, no name of a pod. To root on the node by a
 * Unix socket: what it knows and enforces, read only.
 */
import type { FlowJournal } from '../observe/flow-journal.ts';
import { policyText } from './debug-text.ts';
import { readFlowQuery, streamFlows } from './flow-stream.ts';
import type { Health } from './health.ts';
import { json, serveHttp, text } from './http-server.ts';
import type { HttpServer, Route } from './http-server.ts';
import { keptAnswer } from './kept-answer.ts';
import type { LiveCluster } from './live-cluster.ts';
import type { AgentMetrics, TableRoom } from './metrics/agent-metrics.ts';
import type { NodeEnforcer } from './node-enforcer.ts';
import type { NodePolicyStatus } from './node-status.ts';
import { agentPaths } from './options.ts';
import type { AgentOptions } from './options.ts';

/** A page of thousands of rules takes a tenth of a second in which nothing else is done. */
const pageAgeMs = 1000;

export interface AgentServersOptions {
  readonly options: AgentOptions;
  readonly health: Health;
  readonly metrics: AgentMetrics;
  readonly journal: FlowJournal;
  readonly enforcer: NodeEnforcer;
  readonly room: () => TableRoom;
  readonly status: () => NodePolicyStatus;
  readonly cluster: LiveCluster;
}

export class AgentServers {
  readonly #options: AgentServersOptions;
  #public: HttpServer | undefined;
  #debug: HttpServer | undefined;

  constructor(options: AgentServersOptions) {
    this.#options = options;
  }

  get port(): number | undefined {
    return this.#public?.port;
  }

  async start(): Promise<void> {
    const { healthAddress, healthPort } = this.#options.options;
    const host = healthAddress === undefined ? {} : { host: healthAddress };
    this.#debug = await serveHttp(
      { path: agentPaths(this.#options.options).debugSocket },
      this.#debugRoutes(),
    );
    this.#public = await serveHttp({ port: healthPort, ...host }, this.#publicRoutes());
  }

  async stop(): Promise<void> {
    await Promise.all([this.#public?.close(), this.#debug?.close()]);
  }

  #publicRoutes(): Readonly<Record<string, Route>> {
    const { health } = this.#options;
    const probe = (ok: () => boolean) => () => text(ok() ? 200 : 503, health.report());
    return {
      '/livez': probe(() => health.live),
      '/readyz': probe(() => health.ready),
      '/healthz': probe(() => health.healthy),
      '/metrics': keptAnswer(() => this.#metricsPage(), { ageMs: pageAgeMs }),
    };
  }

  #debugRoutes(): Readonly<Record<string, Route>> {
    const { status, enforcer, journal, cluster } = this.#options;
    return {
      ...this.#publicRoutes(),
      '/metrics': () => this.#metricsPage(),
      '/status': () => json(status()),
      '/policies': () => text(200, policyText(enforcer)),
      '/pods': () =>
        json(
          cluster.cluster.pods
            .values()
            .map(({ key, node, labels, addresses, phase }) => ({
              pod: key,
              node,
              phase,
              labels,
              addresses: addresses.map((address) => address.text),
            }))
            .toArray(),
        ),
      '/tables': () => {
        const { addresses, cidrs, classes, ports } = enforcer.tables ?? {};
        const rows = (table: ReadonlyMap<string, unknown> = new Map()) => table.size;
        return json({
          addresses: rows(addresses),
          cidrs: rows(cidrs),
          classes: rows(classes),
          ports: rows(ports),
        });
      },
      '/flows': (url, response) => {
        const query = readFlowQuery(url.searchParams);
        if (!query)
          return text(400, '?last=N&follow&since=TIME&mark&from=WHO&to=WHO&verdict=allowed|denied&port=N\n');
        return streamFlows(journal, query, response);
      },
    };
  }

  #metricsPage() {
    const { metrics, enforcer, room, health } = this.#options;
    metrics.setRoom(room());
    const { tables, legend } = enforcer;
    if (tables) metrics.setTables(tables);
    metrics.setCounters(enforcer.counters(), legend);
    metrics.degraded.clear();
    for (const [condition, { ok }] of health.conditions) metrics.degraded.set(ok ? 0 : 1, { condition });
    return { status: 200, type: 'text/plain; version=0.0.4; charset=utf-8', body: metrics.text() } as const;
  }
}

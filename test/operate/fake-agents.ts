/** Agents in pods, behind an API server: each has a real journal and a real debug socket, and exec asks it in this process. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import { readDebugSocket } from '../../src/agent/debug-client.ts';
import { readFlowQuery, streamFlows } from '../../src/agent/flow-stream.ts';
import { serveHttp, text, type HttpServer } from '../../src/agent/http-server.ts';
import { FlowJournal } from '../../src/observe/flow-journal.ts';
import { FakeApiServer } from '../kubernetes/fake-api-server.ts';
import { FakeStore } from '../kubernetes/fake-store.ts';
import { eventOn, snapshotOf, tcp } from '../observe/observed.ts';

const open = snapshotOf('');

/** One that runs, in a container of its own. */
class FakeAgent {
  readonly runDirectory: string;
  readonly journal: FlowJournal;
  readonly #server: HttpServer;

  private constructor(runDirectory: string, journal: FlowJournal, server: HttpServer) {
    this.runDirectory = runDirectory;
    this.journal = journal;
    this.#server = server;
  }

  static async start(node: string): Promise<FakeAgent> {
    const runDirectory = mkdtempSync(join(tmpdir(), 'bulkhead-fake-agent-'));
    const journal = new FlowJournal(node, () => ({ version: 1, snapshot: open }));
    const server = await serveHttp(
      { path: join(runDirectory, 'debug.sock') },
      {
        '/flows': (url, response) => {
          const query = readFlowQuery(url.searchParams);
          return query ? streamFlows(journal, query, response) : text(400, 'no such query\n');
        },
      },
    );
    return new FakeAgent(runDirectory, journal, server);
  }

  async stop(): Promise<void> {
    await this.#server.close();
    rmSync(this.runDirectory, { recursive: true });
  }
}

export class FakeAgents {
  readonly api: FakeApiServer;
  readonly pods = new FakeStore();
  readonly nodes = new FakeStore();
  /** The commands that were run. */
  readonly commands: string[][] = [];
  /** Connections of commands that run now. */
  readonly running = new Set<WebSocket>();
  readonly #agents = new Map<string, FakeAgent>();
  #containers = 0;

  private constructor(api: FakeApiServer) {
    this.api = api;
    api.stores.set('/api/v1/namespaces/bulkhead-system/pods', this.pods);
    api.stores.set('/api/v1/nodes', this.nodes);
    const sockets = new WebSocketServer({ noServer: true, handleProtocols: () => 'v5.channel.k8s.io' });
    api.server.on('upgrade', (request, socket: Duplex, head) => {
      const url = new URL(request.url ?? '', 'http://fake');
      sockets.handleUpgrade(request, socket, head, (accepted) => void this.#exec(accepted, url));
    });
  }

  static async start(): Promise<FakeAgents> {
    return new FakeAgents(await FakeApiServer.start());
  }

  async stop(): Promise<void> {
    for (const node of this.#agents.keys()) await this.end(node);
    await this.api.stop();
  }

  /** A pod on the node whose agent runs; another container than any before. */
  async run(node: string): Promise<void> {
    if (!this.nodes.objects.has(node)) this.nodes.set(node, '');
    await this.end(node);
    const agent = await FakeAgent.start(node);
    this.#agents.set(node, agent);
    const containerID = `containerd://${(this.#containers += 1)}`;
    this.#setPod(node, agent.runDirectory, { containerID, state: { running: {} } });
  }

  /** The container ends, and what ran beside the agent with it. */
  async end(node: string, reason = 'CrashLoopBackOff'): Promise<void> {
    const agent = this.#agents.get(node);
    if (!agent) return;
    this.#agents.delete(node);
    this.#setPod(node, agent.runDirectory, { state: { waiting: { reason } } });
    await agent.stop();
  }

  /** The node's agent sees a connection from x/client to x/web; the time is that of now. */
  see(node: 'n1' | 'n2', port: number): void {
    const { event } = eventOn(node, open, tcp('client', 'web', port), process.hrtime.bigint());
    this.#agents.get(node)?.journal.add(event);
  }

  lose(node: string, events: number): void {
    this.#agents.get(node)?.journal.addLost(events);
  }

  followed(node: string): boolean {
    return this.#agents.get(node)?.journal.followed ?? false;
  }

  #setPod(node: string, runDirectory: string, state: object): void {
    const args = ['agent', `--run-dir=${runDirectory}`];
    this.pods.set(`bulkhead-system/agent-${node}`, '', {
      spec: { nodeName: node, containers: [{ name: 'agent', args }] },
      status: { phase: 'Running', containerStatuses: [{ name: 'agent', ...state }] },
    });
  }

  async #exec(socket: WebSocket, url: URL): Promise<void> {
    const command = url.searchParams.getAll('command');
    this.commands.push(command);
    this.running.add(socket);
    const [, , request = '', directory = ''] = command;
    const gone = new AbortController();
    socket.on('close', () => {
      this.running.delete(socket);
      gone.abort();
    });
    const send = (channel: number, said: string): void =>
      socket.send(Buffer.concat([Buffer.of(channel), Buffer.from(said)]));
    try {
      await readDebugSocket({
        socket: `${directory.slice('--run-dir='.length)}/debug.sock`,
        path: request,
        chunk: (chunk) => send(1, chunk),
        signal: gone.signal,
      });
      send(3, JSON.stringify({ status: 'Success' }));
    } catch (error) {
      send(2, String(error instanceof Error ? error.message : error));
      const causes = [{ reason: 'ExitCode', message: '2' }];
      send(3, JSON.stringify({ status: 'Failure', reason: 'NonZeroExitCode', details: { causes } }));
    }
    socket.close(1000);
  }
}

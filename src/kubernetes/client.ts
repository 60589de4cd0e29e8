/** Reads and writes objects of a Kubernetes API server. */
import type { IncomingMessage } from 'node:http';
import { protocolError, type Action } from './api-error.ts';
import type { Connection } from './connection.ts';
import { describePlace, resourcePath, type Place, type Resource } from './resource.ts';
import { Transport, type Call } from './transport.ts';
import { asFields, asList, asText, type Fields } from './untyped.ts';

/** An object as the API server wrote it; nothing about it has been checked. */
export type RawObject = Fields;

export interface Selectors {
  readonly fieldSelector?: string;
  readonly labelSelector?: string;
}

export interface ListOptions extends Selectors {
  readonly namespace?: string;
  /** Objects per page; absent: all at once. */
  readonly limit?: number;
  /** Where the page before ended. */
  readonly continue?: string;
  readonly signal?: AbortSignal;
  readonly silenceMs?: number;
  /** A longer page is refused (KUBERNETES_TOO_LARGE). */
  readonly maxBytes?: number;
}

export interface Page {
  readonly items: readonly RawObject[];
  /** Of the whole list, the same on each of its pages. */
  readonly resourceVersion: string;
  /** Absent on the last page. */
  readonly continue?: string;
}

export interface WatchOptions extends Selectors {
  readonly namespace?: string;
  readonly resourceVersion: string;
  /** When the server is to end the watch. */
  readonly timeoutSeconds: number;
  readonly signal?: AbortSignal;
  readonly silenceMs?: number;
}

export interface WriteOptions {
  /** Everything is checked, and nothing kept. */
  readonly dryRun?: boolean;
}

export interface ApplyOptions {
  /** Whose fields these are: the name of the program. */
  readonly fieldManager: string;
  /** Takes fields over from other managers. */
  readonly force?: boolean;
}

const patchTypes = {
  apply: 'application/apply-patch+yaml',
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
} as const;

/** Every method throws BulkheadError with a code KUBERNETES_…; most are `ApiError`, which also has the HTTP status. */
export class KubernetesClient {
  readonly transport: Transport;

  constructor(connection: Connection) {
    this.transport = new Transport(connection);
  }

  get connection(): Connection {
    return this.transport.connection;
  }

  async get(resource: Resource, place: Place): Promise<RawObject> {
    return this.#object({ ...toCall('get', resource, place) });
  }

  /** Text rather than an object: `pods/log`, `/metrics` by the proxy subresource. */
  async text(resource: Resource, place: Place, query: Call['query'] = {}): Promise<string> {
    const bytes = await this.transport.bytes({ ...toCall('get', resource, place), query, accept: '*/*' });
    return bytes.toString('utf8');
  }

  /** One page; the most recent state, not what a server's cache may still hold. */
  async list(resource: Resource, options: ListOptions = {}): Promise<Page> {
    const { limit, signal, silenceMs, maxBytes, fieldSelector, labelSelector } = options;
    const call = toCall('list', resource, namespaceOf(options));
    const body = await this.#object({
      ...call,
      query: { limit, continue: options.continue, fieldSelector, labelSelector },
      signal,
      ...(silenceMs === undefined ? {} : { silenceMs }),
      ...(maxBytes === undefined ? {} : { maxBytes }),
    });
    const metadata = asFields(body['metadata']);
    const resourceVersion = asText(metadata?.['resourceVersion']);
    if (!resourceVersion) throw protocolError(call.action, 'the list has no resource version');
    const next = asText(metadata?.['continue']);
    const items = asList(body['items']).map((item) => {
      const object = asFields(item);
      if (object) return object;
      throw protocolError(call.action, 'an item of the list is no object');
    });
    return { items, resourceVersion, ...(next ? { continue: next } : {}) };
  }

  /** The stream of events, one JSON object a line, after the server has agreed to it. */
  async watch(resource: Resource, options: WatchOptions): Promise<IncomingMessage> {
    const { resourceVersion, timeoutSeconds, signal, silenceMs, fieldSelector, labelSelector } = options;
    return this.transport.open({
      ...toCall('watch', resource, namespaceOf(options)),
      query: {
        watch: 1,
        allowWatchBookmarks: true,
        resourceVersion,
        timeoutSeconds,
        fieldSelector,
        labelSelector,
      },
      signal,
      ...(silenceMs === undefined ? {} : { silenceMs }),
    });
  }

  /** With a `place.name` and a subresource: `pods/eviction`, `serviceaccounts/token`. */
  async create(
    resource: Resource,
    place: Place,
    object: unknown,
    options: WriteOptions = {},
  ): Promise<RawObject> {
    const call = toCall('create', resource, place);
    return this.#object({ ...call, method: 'POST', body: jsonBody(object), query: writeQuery(options) });
  }

  async replace(
    resource: Resource,
    place: Place,
    object: unknown,
    options: WriteOptions = {},
  ): Promise<RawObject> {
    const call = toCall('update', resource, place);
    return this.#object({ ...call, method: 'PUT', body: jsonBody(object), query: writeQuery(options) });
  }

  /** Server-side apply: creates the object, or makes its fields those given. */
  async apply(resource: Resource, place: Place, object: unknown, options: ApplyOptions): Promise<RawObject> {
    return this.#object({
      ...toCall('patch', resource, place),
      method: 'PATCH',
      body: { type: patchTypes.apply, text: JSON.stringify(object) },
      query: { fieldManager: options.fieldManager, force: options.force },
    });
  }

  async patch(
    resource: Resource,
    place: Place,
    patch: unknown,
    type: 'json' | 'merge' | 'strategic' = 'merge',
  ): Promise<RawObject> {
    const body = { type: patchTypes[type], text: JSON.stringify(patch) };
    return this.#object({ ...toCall('patch', resource, place), method: 'PATCH', body });
  }

  /** The deleted object, or a Status. With `place` naming no object: all of them. */
  async delete(resource: Resource, place: Place, options: unknown = {}): Promise<RawObject> {
    return this.#object({ ...toCall('delete', resource, place), method: 'DELETE', body: jsonBody(options) });
  }

  /** Ends idle connections; requests that run go on. */
  close(): void {
    this.transport.close();
  }

  async #object(call: Call): Promise<RawObject> {
    const bytes = await this.transport.bytes(call);
    return parseObject(call.action, bytes.toString('utf8'));
  }
}

/** The parser's message is left out: it quotes its input, which may be a Secret. */
export function parseObject(action: Action, text: string): RawObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  const object = asFields(value);
  if (!object) throw protocolError(action, 'what came is no JSON object');
  return object;
}

function toCall(verb: string, resource: Resource, place: Place): Pick<Call, 'action' | 'path'> {
  return { action: `${verb} ${describePlace(resource, place)}`, path: resourcePath(resource, place) };
}

function writeQuery({ dryRun }: WriteOptions): NonNullable<Call['query']> {
  return { dryRun: dryRun === true ? 'All' : undefined };
}

function namespaceOf({ namespace }: { namespace?: string }): Place {
  return namespace === undefined ? {} : { namespace };
}

function jsonBody(object: unknown): { type: string; text: string } {
  return { type: 'application/json', text: JSON.stringify(object) };
}

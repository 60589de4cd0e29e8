/**
 * What the command line and a lab's daemon say to each other: one request per connection, one frame per line
 * (wire.ts), any number of `progress` and `item` frames and one `result` or `error` frame at the end.
 */
import type { UpdateTimings } from '../agent/enforcer.ts';
import { engineNames } from '../datapath/engine-choice.ts';
import type { EngineName } from '../datapath/engine-choice.ts';
import type { Diagnostic } from '../errors.ts';
import { BulkheadError, failure } from '../errors.ts';
import type { IpFamily } from '../objects/ip.ts';
import type { Cluster } from '../objects/model.ts';
import type { FlowFilter } from '../observe/flow-filter.ts';
import type { FlowItem } from '../observe/flow-log.ts';
import type { ManifestObject } from '../objects/manifest.ts';
import { decodeLine } from './wire.ts';

/** Grows with every incompatible change: a daemon outlives the command that started it, and its version. */
export const protocolVersion = 2;

/** Keyed `Kind/namespace/name`. */
export type Objects = ReadonlyMap<string, ManifestObject>;

export interface UpRequest {
  readonly op: 'up';
  readonly objects: Objects;
  readonly families: readonly IpFamily[];
  /** Nodes to make where the manifests have none. */
  readonly nodes: number;
  /** What enforces on the nodes. */
  readonly engine: EngineName;
}

/** Adds objects, replaces those of the same key. */
export interface ApplyRequest {
  readonly op: 'apply';
  readonly objects: Objects;
}

export interface DeleteRequest {
  readonly op: 'delete';
  readonly keys: readonly string[];
}

export interface LabelRequest {
  readonly op: 'label';
  readonly kind: 'Pod' | 'Namespace';
  /** `namespace/name`, or a namespace's name. */
  readonly name: string;
  readonly set: Readonly<Record<string, string>>;
  readonly remove: readonly string[];
}

export interface ScaleRequest {
  readonly op: 'scale';
  /** `Kind/namespace/name`. */
  readonly key: string;
  readonly replicas: number;
}

export interface FlowsRequest {
  readonly op: 'flows';
  /** How many past flows first. */
  readonly last: number;
  readonly follow: boolean;
  readonly filter: FlowFilter;
}

export type Request =
  | UpRequest
  | ApplyRequest
  | DeleteRequest
  | LabelRequest
  | ScaleRequest
  | FlowsRequest
  | { readonly op: 'status' }
  | { readonly op: 'snapshot' }
  | { readonly op: 'down' };

export type Operation = Request['op'];

/** What the cluster holds: the numbers of a summary line. */
export interface Totals {
  readonly nodes: number;
  readonly pods: number;
  readonly services: number;
  readonly policies: number;
}

export interface UpResult {
  readonly totals: Totals;
  /** The manifests had no cluster DNS, so the lab brought its own. */
  readonly broughtDns: boolean;
  /** About policies that select nothing. */
  readonly warnings: readonly Diagnostic[];
  readonly timings: ChangeTimings;
}

/** Milliseconds by stage; the kernel has the change after `assembleMs` and the stages of the update. */
export interface ChangeTimings extends UpdateTimings {
  /** Pods as controllers would make them, addresses, endpoints. */
  readonly assembleMs: number;
  /** Taking nodes away and making them, where a change does; this comes before the policies. */
  readonly nodesMs: number;
  /** Namespaces, links, Services, servers, names. */
  readonly networkMs: number;
  /** From the request's arrival until the last node's kernel enforced it. */
  readonly enforcedMs: number;
}

export interface ObjectChange {
  /** `Kind/namespace/name`. */
  readonly key: string;
  readonly change: 'created' | 'changed' | 'unchanged' | 'deleted';
}

export interface ChangeResult {
  readonly changes: readonly ObjectChange[];
  readonly podsAdded: readonly string[];
  readonly podsRemoved: readonly string[];
  readonly timings: ChangeTimings;
  /** About those of the policies that the request brought that select nothing. */
  readonly warnings: readonly Diagnostic[];
}

export interface NodeStatus {
  readonly name: string;
  readonly addresses: readonly string[];
  readonly podCIDRs: readonly string[];
  readonly pods: number;
  /** Map entries in the kernel, by table. */
  readonly tables: {
    readonly addresses: number;
    readonly cidrs: number;
    readonly classes: number;
    readonly ports: number;
  };
  /** Packets. */
  readonly allowed: number;
  readonly denied: number;
  readonly lostEvents: number;
}

export interface StatusResult {
  readonly pid: number;
  /** RFC 3339. */
  readonly since: string;
  readonly totals: Totals;
  readonly nodes: readonly NodeStatus[];
  readonly memoryBytes: number;
}

/** Where a point of the cluster or of the outside world lives on this machine. */
export interface Placement {
  /** Name for `ip netns`. */
  readonly netns: string;
  /** Path of the namespace, for setns. */
  readonly path: string;
}

export interface SnapshotResult {
  readonly cluster: Cluster;
  /** Keyed `namespace/pod`. */
  readonly pods: ReadonlyMap<string, Placement>;
  /** Of the namespace that has all addresses outside the cluster. */
  readonly world: Placement;
}

export interface Results {
  readonly up: UpResult;
  readonly apply: ChangeResult;
  readonly delete: ChangeResult;
  readonly label: ChangeResult;
  readonly scale: ChangeResult;
  readonly flows: { readonly shown: number };
  readonly status: StatusResult;
  readonly snapshot: SnapshotResult;
  readonly down: { readonly pods: number };
}

export type Frame<Op extends Operation> =
  | { readonly type: 'progress'; readonly text: string }
  | { readonly type: 'item'; readonly item: FlowItem }
  | { readonly type: 'result'; readonly result: Results[Op] }
  | { readonly type: 'error'; readonly diagnostics: readonly Diagnostic[] };

export interface Envelope {
  readonly version: number;
  readonly request: Request;
}

/** Reads the line that a client sends. Throws BulkheadError LAB_PROTOCOL with what is wrong. */
export function readLine(line: string): Request {
  return readEnvelope(decoded(line));
}

/** Checks a decoded line. Throws BulkheadError LAB_PROTOCOL with the field that is wrong. */
export function readEnvelope(value: unknown): Request {
  const envelope = new Fields(value, 'message');
  if (envelope.get('version') !== protocolVersion) {
    throw new BulkheadError(
      failure(
        'LAB_PROTOCOL',
        `the lab was started by another version of bulkhead (it speaks ${protocolVersion})`,
        {
          hint: 'Take the lab down and up again.',
        },
      ),
    );
  }
  return readRequest(new Fields(envelope.get('request'), 'request'));
}

function decoded(line: string): unknown {
  try {
    return decodeLine(line);
  } catch (cause) {
    throw malformed(`message can't be read: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

function readRequest(fields: Fields): Request {
  const op = fields.string('op');
  switch (op) {
    case 'up':
      return {
        op,
        objects: readObjects(fields),
        families: fields.list('families', isFamily),
        nodes: fields.count('nodes'),
        engine: fields.check('engine', isEngine),
      };
    case 'apply':
      return { op, objects: readObjects(fields) };
    case 'delete':
      return { op, keys: fields.list('keys', isString) };
    case 'label': {
      const set = fields.check(
        'set',
        (value): value is Record<string, string> => isRecord(value) && Object.values(value).every(isString),
      );
      const kind = fields.check(
        'kind',
        (value): value is 'Pod' | 'Namespace' => value === 'Pod' || value === 'Namespace',
      );
      return { op, kind, name: fields.string('name'), set, remove: fields.list('remove', isString) };
    }
    case 'scale':
      return { op, key: fields.string('key'), replicas: fields.count('replicas') };
    case 'flows':
      return {
        op,
        last: fields.count('last'),
        follow: fields.check('follow', (value) => typeof value === 'boolean'),
        filter: fields.check('filter', isFilter),
      };
    case 'status':
    case 'snapshot':
    case 'down':
      return { op };
    default:
      throw malformed(`unknown operation ${op}`);
  }
}

function readObjects(fields: Fields): Objects {
  return fields.check(
    'objects',
    (value): value is Objects => value instanceof Map && [...value.keys()].every(isString),
  );
}

/** Typed access to the fields of a value from outside. */
class Fields {
  readonly #value: Readonly<Record<string, unknown>>;

  constructor(value: unknown, name: string) {
    if (!isRecord(value)) throw malformed(`${name} is no object`);
    this.#value = value;
  }

  get(name: string): unknown {
    return this.#value[name];
  }

  check<T>(name: string, is: (value: unknown) => value is T): T {
    const value = this.get(name);
    if (!is(value)) throw malformed(`field ${name} is wrong or missing`);
    return value;
  }

  string(name: string): string {
    return this.check(name, isString);
  }

  count(name: string): number {
    return this.check(name, (value): value is number => Number.isSafeInteger(value) && Number(value) >= 0);
  }

  list<T>(name: string, is: (value: unknown) => value is T): readonly T[] {
    return this.check(name, (value): value is T[] => Array.isArray(value) && value.every(is));
  }
}

function malformed(message: string): BulkheadError {
  return new BulkheadError(failure('LAB_PROTOCOL', message, { hint: 'Take the lab down and up again.' }));
}

function isString(value: unknown): value is string {
  return typeof value === 'string';
}

function isEngine(value: unknown): value is EngineName {
  return engineNames.some((name) => name === value);
}

function isFamily(value: unknown): value is IpFamily {
  return value === 4 || value === 6;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isFilter(value: unknown): value is FlowFilter {
  if (!isRecord(value)) return false;
  const { from, to, verdict, port } = value;
  return (
    [from, to].every((pattern) => pattern === undefined || isString(pattern)) &&
    (verdict === undefined || verdict === 'allowed' || verdict === 'denied') &&
    (port === undefined || typeof port === 'number')
  );
}

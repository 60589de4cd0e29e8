/** One nf_tables table of family inet in one network namespace: changed by transactions, read back element by element. */
import { constants } from 'node:os';
import { listAttributes, readAttributes, textOf, u32Of, u64Of } from './netlink-attributes.ts';
import { NetfilterSocket, NLM_F_ACK, NLM_F_DUMP } from './netfilter-socket.ts';
import { encodeBatch, encodeRequest, messages } from './nftables-changes.ts';
import type { Change, Element } from './nftables-changes.ts';
import { SystemCallError } from './libc.ts';

/** A transaction that the kernel refused, whole; `change` is the part that it has something against, if it said so. */
export class RefusedChange extends SystemCallError {
  readonly change: Change | undefined;

  constructor(change: Change | undefined, errno: number) {
    super(`nf_tables refused to ${change ? describe(change) : 'commit'}`, errno);
    this.change = change;
  }
}

export interface NamedCounter {
  readonly name: string;
  readonly packets: bigint;
  readonly bytes: bigint;
}

/** A list that changes while it is read is read again; nobody changes a table of ours so often. */
const readTries = 5;

export class NftablesTable {
  readonly name: string;
  readonly #socket: NetfilterSocket;

  constructor(netns: string, name: string) {
    this.name = name;
    this.#socket = new NetfilterSocket(netns);
  }

  /** All changes or none; returns when packets see them. Throws RefusedChange. */
  commit(changes: readonly Change[]): void {
    const batch = encodeBatch(this.name, changes);
    const [refusal] = this.#socket.request(batch.bytes);
    if (refusal) throw new RefusedChange(batch.changes[refusal.sequence - 1], refusal.errno);
  }

  exists(): boolean {
    return this.#has(messages.getTable, []);
  }

  hasChain(name: string): boolean {
    return this.#has(messages.getChain, [[3, name]]);
  }

  /** Elements of a set; undefined if there is no such set. Counters that elements name are left out. */
  elements(set: string): Element[] | undefined {
    const request = encodeRequest(messages.getElements, NLM_F_DUMP, (out) => {
      out.text(1, this.name);
      out.text(2, set);
    });
    return this.#list(request, (attributes) => {
      const list = readAttributes(attributes).get(3) ?? new Uint8Array();
      return [...listAttributes(list)].map(([, element]) => readElement(element));
    });
  }

  /** None if the table does not exist. */
  counters(): NamedCounter[] {
    const request = encodeRequest(messages.getObject, NLM_F_DUMP, (out) => {
      out.text(1, this.name);
      out.u32(3, 1);
    });
    const counters = this.#list(request, (bytes) => {
      const attributes = readAttributes(bytes);
      const values = readAttributes(attributes.get(4) ?? new Uint8Array());
      const name = textOf(attributes.get(2));
      return [{ name, bytes: u64Of(values.get(1)), packets: u64Of(values.get(2)) }];
    });
    return counters ?? [];
  }

  close(): void {
    this.#socket.close();
  }

  #has(message: number, names: readonly (readonly [number, string])[]): boolean {
    const request = encodeRequest(message, NLM_F_ACK, (out) => {
      out.text(1, this.name);
      for (const [type, name] of names) out.text(type, name);
    });
    const [refusal] = this.#socket.request(request);
    if (!refusal) return true;
    if (refusal.errno === constants.errno.ENOENT) return false;
    throw new SystemCallError('netlink request', refusal.errno);
  }

  #list<T>(request: Uint8Array, read: (attributes: Uint8Array) => readonly T[]): T[] | undefined {
    for (let tries = 1; ; tries++) {
      const found: T[] = [];
      try {
        const exists = this.#socket.dump(request, ({ attributes }) => found.push(...read(attributes)));
        return exists ? found : undefined;
      } catch (error) {
        const changed = error instanceof SystemCallError && error.code === 'EINTR';
        if (!changed || tries === readTries) throw error;
      }
    }
  }
}

/** Copies: the receive buffer is used again. */
function readElement(bytes: Uint8Array): Element {
  const attributes = readAttributes(bytes);
  const valueOf = (type: number): Uint8Array | undefined => {
    const data = attributes.get(type);
    const value = data && readAttributes(data).get(1);
    return value && Uint8Array.from(value);
  };
  const last = valueOf(10);
  const value = valueOf(2);
  return {
    key: valueOf(1) ?? new Uint8Array(),
    ...(last ? { last } : {}),
    ...(value ? { value } : {}),
    ...(u32Of(attributes.get(3)) & 1 ? { end: true } : {}),
  };
}

function describe(change: Change): string {
  switch (change.kind) {
    case 'add-elements':
    case 'delete-elements':
      return `${change.kind.replace('-', ' ')} of ${change.set}`;
    case 'add-rule':
    case 'flush-chain':
      return `${change.kind.replace('-', ' ')} of ${change.chain}`;
    case 'add-set':
      return `add set ${change.set.name}`;
    case 'add-chain':
      return `add chain ${change.chain.name}`;
    case 'add-counter':
    case 'delete-counter':
      return `${change.kind.replace('-', ' ')} ${change.counter}`;
    case 'add-table':
    case 'delete-table':
      return change.kind.replace('-', ' ');
  }
}

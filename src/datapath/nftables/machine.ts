/**
 * nf_tables' virtual machine as far as our rules go: holds what changes make, and judges packets by it. It is to the
 * nftables datapath what BPF_PROG_TEST_RUN is to the other one, and needs neither root nor a kernel.
 */
import type { ChainSpec, Change, Element } from '../../kernel/nftables-changes.ts';
import type { Expression, Verdict } from '../../kernel/nftables-expressions.ts';
import { encodeId } from './decision.ts';
import { readHeaders } from './packet-headers.ts';
import type { Headers } from './packet-headers.ts';
import { SetContent } from './set-content.ts';

/** A packet and what the kernel knows of it. */
export interface Packet {
  readonly bytes: Uint8Array;
  readonly hook: 'input' | 'forward';
  readonly iif: number;
  readonly iifname: string;
  /** 0 at the input hook. */
  readonly oif: number;
  /** Default: none, as at the input hook. */
  readonly oifname?: string;
  /** Undefined: conntrack does not know it. Bits as in ct state. */
  readonly conntrack?: { readonly state: number; readonly reply: boolean; readonly confirmed: boolean };
  /** Whether the way back to the source leaves by `iif`. */
  readonly reversePath: boolean;
}

export interface Judgement {
  readonly accepted: boolean;
  /** Names of the counters that it raised, in order. */
  readonly counted: readonly string[];
  /** Prefixes that it was logged with. */
  readonly logged: readonly string[];
}

interface Chain extends ChainSpec {
  readonly rules: (readonly Expression[])[];
}

/** More would be an endless loop, which the kernel refuses. */
const longestWay = 1000;

const registers = 16;

interface State {
  readonly sets: Map<string, SetContent>;
  readonly chains: Map<string, Chain>;
  readonly counters: Set<string>;
}

export class Machine {
  #state: State = { sets: new Map(), chains: new Map(), counters: new Set() };
  readonly #registers = new Uint8Array(4 * registers);

  /** As one transaction. Throws, and is as before, if the kernel would refuse. */
  commit(changes: readonly Change[]): void {
    const { sets, chains, counters } = this.#state;
    const transaction = new Transaction({
      sets: new Map(sets),
      chains: new Map(chains),
      counters: new Set(counters),
    });
    for (const change of changes) transaction.apply(change);
    this.#state = transaction.state;
  }

  elements(set: string): readonly Element[] | undefined {
    return this.#state.sets.get(set)?.elements;
  }

  hasChain(name: string): boolean {
    return this.#state.chains.has(name);
  }

  get counters(): ReadonlySet<string> {
    return this.#state.counters;
  }

  judge(packet: Packet): Judgement {
    return new Run(packet, {
      registers: this.#registers,
      set: (name) => needed(this.#state.sets.get(name), name),
      chain: (name) => needed(this.#state.chains.get(name), name),
    }).judge();
  }
}

/** Changes a copy; of the sets and chains only those that are changed are copied, when they first are. */
class Transaction {
  readonly state: State;
  readonly #own = new Set<object>();

  constructor(state: State) {
    this.state = state;
  }

  apply(change: Change): void {
    const { sets, chains, counters } = this.state;
    switch (change.kind) {
      case 'add-table':
        return;
      case 'delete-table':
        sets.clear();
        chains.clear();
        counters.clear();
        return;
      case 'add-set':
        sets.set(change.set.name, new SetContent(change.set));
        return;
      case 'add-elements':
        for (const element of change.elements) this.#checkTargets(element);
        this.#set(change.set).add(change.elements);
        return;
      case 'delete-elements':
        this.#set(change.set).remove(change.elements);
        return;
      case 'add-counter':
        counters.add(change.counter);
        return;
      case 'delete-counter':
        if (!counters.delete(change.counter)) throw new Error(`there is no counter ${change.counter}`);
        return;
      case 'add-chain':
        chains.set(change.chain.name, { ...change.chain, rules: [] });
        return;
      case 'flush-chain':
        this.#chain(change.chain).rules.length = 0;
        return;
      case 'add-rule':
        this.#chain(change.chain).rules.push(change.expressions);
    }
  }

  #set(name: string): SetContent {
    const { sets } = this.state;
    return this.#owned(sets, { name, copy: (set) => set.copy() });
  }

  #chain(name: string): Chain {
    const { chains } = this.state;
    return this.#owned(chains, { name, copy: (chain) => ({ ...chain, rules: [...chain.rules] }) });
  }

  #owned<T extends object>(all: Map<string, T>, { name, copy }: { name: string; copy: (one: T) => T }): T {
    const present = needed(all.get(name), name);
    if (this.#own.has(present)) return present;
    const own = copy(present);
    this.#own.add(own);
    all.set(name, own);
    return own;
  }

  #checkTargets({ verdict, counter }: Element): void {
    const { chains, counters } = this.state;
    if (verdict && typeof verdict !== 'string') {
      const chain = 'goto' in verdict ? verdict.goto : verdict.jump;
      needed(chains.get(chain), chain);
    }
    if (counter !== undefined && !counters.has(counter)) throw new Error(`there is no counter ${counter}`);
  }
}

function needed<T>(thing: T | undefined, name: string): T {
  if (thing === undefined) throw new Error(`there is no ${name}`);
  return thing;
}

interface Surroundings {
  /** What they held before can't be read. */
  readonly registers: Uint8Array;
  readonly set: (name: string) => SetContent;
  readonly chain: (name: string) => Chain;
}

interface Place {
  readonly chain: Chain;
  rule: number;
}

/** One packet on its way through the rules. */
class Run {
  readonly #packet: Packet;
  readonly #headers: Headers | undefined;
  readonly #around: Surroundings;
  readonly #registers: Uint8Array;
  /** Bit by bit the words that the present rule has written: the kernel lets a rule read no others. */
  #written = 0;
  readonly #counted: string[] = [];
  readonly #logged: string[] = [];

  constructor(packet: Packet, around: Surroundings) {
    this.#packet = packet;
    this.#around = around;
    this.#registers = around.registers;
    this.#headers = readHeaders(packet.bytes);
  }

  judge(): Judgement {
    const accepted = this.#walk(this.#around.chain(this.#packet.hook)) === 'accept';
    return { accepted, counted: this.#counted, logged: this.#logged };
  }

  #walk(first: Chain): 'accept' | 'drop' {
    const stack: Place[] = [];
    let place: Place = { chain: first, rule: 0 };
    for (let steps = 0; steps < longestWay; steps++) {
      const rule = place.chain.rules[place.rule];
      if (!rule) {
        const back = stack.pop();
        if (!back) return 'accept';
        place = back;
        continue;
      }
      place.rule += 1;
      const verdict = this.#rule(rule);
      if (verdict === undefined) continue;
      if (verdict === 'accept' || verdict === 'drop') return verdict;
      if (verdict === 'return') {
        place = stack.pop() ?? { chain: first, rule: first.rules.length };
      } else if ('jump' in verdict) {
        stack.push(place);
        place = { chain: this.#around.chain(verdict.jump), rule: 0 };
      } else {
        place = { chain: this.#around.chain(verdict.goto), rule: 0 };
      }
    }
    throw new Error('the rules have no end');
  }

  /** Undefined: the next rule. */
  #rule(expressions: readonly Expression[]): Verdict | undefined {
    this.#written = 0;
    for (const expression of expressions) {
      const result = this.#step(expression);
      if (result === 'no match') return undefined;
      if (result !== 'match') return result;
    }
    return undefined;
  }

  #step(expression: Expression): 'match' | 'no match' | Verdict {
    switch (expression.kind) {
      case 'payload':
        return this.#payload(expression);
      case 'meta':
        return this.#load(expression.to, this.#meta(expression.key));
      case 'conntrack':
        return this.#load(expression.to, this.#conntrack(expression.key));
      case 'reverse-path':
        return this.#load(expression.to, encodeId(this.#packet.reversePath ? 1 : 0));
      case 'compare':
        return matched(compare(this.#order(expression.register, expression.value), expression.operator));
      case 'mask': {
        const at = this.#read(expression.from, expression.mask.length);
        const masked = expression.mask.map((byte, index) => byte & (this.#registers[at + index] ?? 0));
        return this.#load(expression.to, masked);
      }
      case 'lookup':
        return this.#lookup(expression);
      case 'count':
        this.#counted.push(expression.counter);
        return 'match';
      case 'count-by': {
        const found = this.#find(expression.map, expression.key);
        if (found?.counter === undefined) return 'no match';
        this.#counted.push(found.counter);
        return 'match';
      }
      case 'log':
        this.#logged.push(expression.prefix);
        return 'match';
      case 'verdict':
        return expression.verdict;
    }
  }

  #lookup({
    set,
    key,
    to,
    inverted = false,
  }: Expression & { kind: 'lookup' }): 'match' | 'no match' | Verdict {
    const found = this.#find(set, key);
    if (to === undefined) return matched((found !== undefined) !== inverted);
    if (!found) return 'no match';
    if (to !== 'verdict') return this.#load(to, found.value);
    return needed(found.verdict, `verdict in ${set}`);
  }

  #find(name: string, key: number): Element | undefined {
    const set = this.#around.set(name);
    return set.find(this.#registers, this.#read(key, set.keyLength));
  }

  #payload({ base, offset, length, to }: Expression & { kind: 'payload' }): 'match' | 'no match' {
    const start = base === 'network' ? 0 : this.#headers?.transport;
    if (start === undefined || start + offset + length > this.#packet.bytes.length) return 'no match';
    return this.#load(to, this.#packet.bytes, start + offset, length);
  }

  #meta(key: (Expression & { kind: 'meta' })['key']): Uint8Array | undefined {
    const { iif, iifname, oif, oifname = '' } = this.#packet;
    switch (key) {
      case 'iif':
        return encodeId(iif);
      case 'oif':
        return encodeId(oif);
      case 'iifname':
        return nameOf(iifname);
      case 'oifname':
        return nameOf(oifname);
      case 'nfproto':
        return Uint8Array.of((this.#packet.bytes[0] ?? 0) >> 4 === 6 ? 10 : 2);
      case 'l4proto':
        return this.#headers && Uint8Array.of(this.#headers.protocol);
    }
  }

  #conntrack(key: (Expression & { kind: 'conntrack' })['key']): Uint8Array | undefined {
    const { conntrack } = this.#packet;
    // NF_CT_STATE_INVALID_BIT; nothing else is known of such a packet.
    if (!conntrack) return key === 'state' ? encodeId(1) : undefined;
    switch (key) {
      case 'state':
        return encodeId(conntrack.state);
      case 'direction':
        return Uint8Array.of(conntrack.reply ? 1 : 0);
      case 'status':
        return encodeId(conntrack.confirmed ? 1 << 3 : 0);
    }
  }

  /** Values are padded with zeros to whole words. From low to high, so that a value may move down onto itself. */
  #load(
    to: number,
    value: Uint8Array | undefined,
    start = 0,
    length = value?.length ?? 0,
  ): 'match' | 'no match' {
    if (!value) return 'no match';
    const words = (length + 3) >> 2;
    for (let index = 0; index < 4 * words; index++) {
      this.#registers[4 * to + index] = index < length ? (value[start + index] ?? 0) : 0;
    }
    this.#written |= wordsFrom(to, words);
    return 'match';
  }

  /** Where they are: valid until the registers are written again. */
  #read(from: number, length: number): number {
    const words = wordsFrom(from, (length + 3) >> 2);
    if ((this.#written & words) !== words)
      throw new Error(`registers from ${from} on are read before they are written`);
    return 4 * from;
  }

  /** Of what the registers hold and the value, byte by byte: negative, 0 or positive. */
  #order(from: number, value: Uint8Array): number {
    const at = this.#read(from, value.length);
    for (const [index, byte] of value.entries()) {
      const difference = (this.#registers[at + index] ?? 0) - byte;
      if (difference !== 0) return difference;
    }
    return 0;
  }
}

function wordsFrom(first: number, words: number): number {
  return ((1 << words) - 1) << first;
}

function matched(yes: boolean): 'match' | 'no match' {
  return yes ? 'match' : 'no match';
}

function compare(order: number, operator: (Expression & { kind: 'compare' })['operator']): boolean {
  switch (operator) {
    case '==':
      return order === 0;
    case '!=':
      return order !== 0;
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
  }
}

function nameOf(device: string): Uint8Array {
  return Buffer.alloc(16).fill(device, 0, device.length);
}

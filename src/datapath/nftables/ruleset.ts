/** The whole table as it is made: sets, counters, chains. What it holds of policies is tables.ts's to add. */
import { createHash } from 'node:crypto';
import type { Change, Element } from '../../kernel/nftables-changes.ts';
import { reasons } from '../datapath.ts';
import { allChains, chainSets, hookChains, hookRules } from './chains.ts';
import type { ChainOptions } from './chains.ts';
import { codes, counterName, decodeId, encodeId } from './decision.ts';
import { allSets, inForce, shared } from './sets.ts';
import type { FilledSet, Version } from './sets.ts';
import { reasonCounter } from './steps.ts';
import type { Rule } from './steps.ts';

export interface NewTable {
  /** From nothing to a table that holds no policies and that no packet enters yet. */
  readonly changes: readonly Change[];
  /**
   * The name of a chain that no packet enters: two tables that have the same one differ only in what they hold. So one of
   * another version of Bulkhead, or with other options, is never taken for ours.
   */
  readonly fingerprint: string;
}

export function newTable(options: ChainOptions): NewTable {
  const changes = [...setChanges(), ...counterChanges(), ...chainChanges(options)];
  const fingerprint = fingerprintOf([...changes, ...leadTo(0)]);
  return {
    changes: [{ kind: 'add-table' }, ...changes, { kind: 'add-chain', chain: { name: fingerprint } }],
    fingerprint,
  };
}

function fingerprintOf(changes: readonly Change[]): string {
  const text = JSON.stringify(changes, (_, value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
  );
  return `made-by-${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;
}

/** Which version packets use, and who says so: a number that its owner has drawn. */
export interface InForce {
  readonly version: Version;
  readonly owner: number;
}

/** The first time: leads packets to a version. */
export function enter(next: InForce): Change[] {
  return [...leadTo(next.version), { kind: 'add-elements', set: inForce, elements: [inForceElement(next)] }];
}

/** The same, when packets use another version; refused if that is not so, or somebody else owns the table now. */
export function change(before: InForce, next: InForce): Change[] {
  return [...replaceMark(before, next), ...leadTo(next.version)];
}

/** Nothing but the question whether that is so. */
export function affirm(present: InForce): Change[] {
  return replaceMark(present, present);
}

function replaceMark(before: InForce, next: InForce): Change[] {
  return [
    { kind: 'delete-elements', set: inForce, elements: [inForceElement(before)] },
    { kind: 'add-elements', set: inForce, elements: [inForceElement(next)] },
  ];
}

function leadTo(version: Version): Change[] {
  return hookChains.flatMap((chain): Change[] => [
    { kind: 'flush-chain', chain },
    ...ruleChanges(chain, hookRules(chain, version)),
  ]);
}

function inForceElement({ version, owner }: InForce): Element {
  return { key: Buffer.concat([encodeId(version), encodeId(owner)]) };
}

export function readInForce({ key }: Element): InForce {
  return { version: decodeId(key) === 0 ? 0 : 1, owner: decodeId(key.subarray(4)) };
}

function setChanges(): Change[] {
  const all: FilledSet[] = allSets();
  return [
    ...all.map(({ set }): Change => ({ kind: 'add-set', set })),
    ...elementChanges(all),
    // Their elements name chains, which come later.
    ...chainSets.map(({ set }): Change => ({ kind: 'add-set', set })),
  ];
}

function elementChanges(sets: readonly FilledSet[]): Change[] {
  return sets
    .filter(({ elements }) => elements.length > 0)
    .map(({ set, elements }) => ({ kind: 'add-elements', set: set.name, elements }));
}

function counterChanges(): Change[] {
  const defaults = counterName(0);
  const elements = [codes.denyByDefault, codes.allowByDefault].map((code) => ({
    key: encodeId(code),
    counter: defaults,
  }));
  return [
    ...reasons.flatMap((reason) =>
      (['allowed', 'denied'] as const).map((way): Change => ({
        kind: 'add-counter',
        counter: reasonCounter(reason, way),
      })),
    ),
    { kind: 'add-counter', counter: defaults },
    { kind: 'add-elements', set: shared.rules, elements },
  ];
}

function chainChanges(options: ChainOptions): Change[] {
  const chains = allChains(options);
  return [
    ...chains.map(({ name, hook }): Change => ({
      kind: 'add-chain',
      chain: { name, ...(hook ? { hook } : {}) },
    })),
    ...elementChanges(chainSets),
    ...chains.flatMap(({ name, rules }) => ruleChanges(name, rules)),
  ];
}

function ruleChanges(chain: string, rules: readonly Rule[]): Change[] {
  return rules.map(({ expressions, comment }) => ({
    kind: 'add-rule',
    chain,
    expressions,
    ...(comment === undefined ? {} : { comment }),
  }));
}

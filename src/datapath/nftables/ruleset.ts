/** The whole table as it is made: sets, counters, chains. What it holds of policies is tables.ts's to add. */
import { createHash } from 'node:crypto';
import type { Change } from '../../kernel/nftables-changes.ts';
import { reasons } from '../datapath.ts';
import { allChains, chainSets, hookChains, hookRules } from './chains.ts';
import type { ChainOptions } from './chains.ts';
import { codes, counterName, encodeId } from './decision.ts';
import { allSets, inForce, otherVersion, shared } from './sets.ts';
import type { FilledSet, NftablesCapacity, Version } from './sets.ts';
import { reasonCounter } from './steps.ts';
import type { Rule } from './steps.ts';

export interface RulesetOptions extends ChainOptions {
  readonly capacity: NftablesCapacity;
}

/** From nothing to a table that holds no policies and that no packet enters yet. */
export function makeTable(options: RulesetOptions): Change[] {
  const changes = [...setChanges(options.capacity), ...counterChanges(), ...chainChanges(options)];
  const fingerprint: Change = { kind: 'add-chain', chain: { name: fingerprintOf(options) } };
  return [{ kind: 'add-table' }, ...changes, fingerprint];
}

/**
 * The name of a chain that no packet enters: two tables that have the same one differ only in what they hold. It is the
 * content that counts, so that a table of another version or with other options is never taken over.
 */
export function fingerprintOf(options: RulesetOptions): string {
  const everything = [
    setChanges(options.capacity),
    counterChanges(),
    chainChanges(options),
    hookRules('forward', 0),
  ];
  const text = JSON.stringify(everything, (_, value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
  );
  return `made-by-${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;
}

/** Leads packets to a version. */
export function enter(version: Version): Change[] {
  const rules = hookChains.flatMap((chain): Change[] => [
    { kind: 'flush-chain', chain },
    ...ruleChanges(chain, hookRules(chain, version)),
  ]);
  return [...rules, { kind: 'add-elements', set: inForce, elements: [{ key: encodeId(version) }] }];
}

/** The same, when packets used the other version until now. */
export function change(version: Version): Change[] {
  const before = encodeId(otherVersion(version));
  return [{ kind: 'delete-elements', set: inForce, elements: [{ key: before }] }, ...enter(version)];
}

function setChanges(capacity: NftablesCapacity): Change[] {
  const all: FilledSet[] = allSets(capacity);
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

function chainChanges(options: RulesetOptions): Change[] {
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

/** Changes of a cluster that are not followed as they should be; caught by sequences of changes. */
import type { CheckedBug } from './checked-bug.ts';
import type { SeededBugs } from './seeded-bug.ts';

const inLiveCompiler = (file: string, from: string, to: string): CheckedBug => ({
  file: `src/compiler/${file}`,
  from,
  to,
  caughtBy: { kind: 'changes' },
});

export const changeBugs: SeededBugs<CheckedBug> = {
  'a delta adds what should go, and sweeps what should come': inLiveCompiler(
    'live/node-view.ts',
    `add: { ports: ports.come, classes: classes.come },
      stage: { addresses: this.#addresses.changes(), cidrs: this.#cidrs.changes() },
      sweep: { ports: ports.gone, classes: classes.gone },`,
    `add: { ports: ports.gone, classes: classes.gone },
      stage: { addresses: this.#addresses.changes(), cidrs: this.#cidrs.changes() },
      sweep: { ports: ports.come, classes: classes.come },`,
  ),
  'a delta leaves rows that are gone': inLiveCompiler('live/tracked-rows.ts', 'gone.push(from);', ''),
  'a delta takes back what the one before has brought': inLiveCompiler(
    'live/tracked-rows.ts',
    'this.#accepted.clear();',
    '',
  ),
  'labels that change are not followed': inLiveCompiler(
    'live/live-pods.ts',
    'before?.profile.key === wanted &&',
    'before !== undefined &&',
  ),
  'labels of namespaces are not followed': inLiveCompiler(
    'live/live-pods.ts',
    'const isOther = !sameLabels(namespace.labels, labels);',
    'const isOther = !namespace.labels;',
  ),
  'an address keeps the rules of the pod that had it': inLiveCompiler(
    'live/live-pods.ts',
    `      held.owner = owner;
      this.#listener.gained(held);
    } else {`,
    `      this.#listener.gained(held);
    } else {`,
  ),
  'a pod that comes to a node gets no rules': inLiveCompiler(
    'live/node-view.ts',
    'const isOwn = atom && nodeOf(owner) === this.#name;',
    'const isOwn = atom && nodeOf(owner) === this.#name && this.#isNew;',
  ),
  'addresses that somebody else is told apart from go on saying what they said': inLiveCompiler(
    'live/address-rows.ts',
    'this.#atomsBefore.set(atom, was);',
    'this.#atomsBefore.delete(atom);',
  ),
  'an address that moved is written again with those that it left': inLiveCompiler(
    'live/address-rows.ts',
    'const others = parted.has(atom) ? all.filter(({ text }) => !rows.has(text)) : all;',
    'const others = all;',
  ),
  'a port table goes while another class row needs it': inLiveCompiler(
    'live/node-view.ts',
    'if (users > 0) {',
    'if (users > 1) {',
  ),
  'a new identity takes any number that is free': inLiveCompiler(
    'live/local-identities.ts',
    'candidate !== this.plain && agree(candidate, local, isOld, isLocal);',
    'candidate !== this.plain;',
  ),
  'a number stays where only some of what it stands for changes': inLiveCompiler(
    'live/identity-classes.ts',
    'if (!first || all.length < local.users) return undefined;',
    'if (!first) return undefined;',
  ),
  'a number stays where a set that stays says something else of it': inLiveCompiler(
    'live/identity-classes.ts',
    'if (!first.edits.every(({ set }) => freshSets.includes(set) || !this.#sets.has(set))) return undefined;',
    '',
  ),
  'an identity changes where only some of its addresses do': inLiveCompiler(
    'live/peers.ts',
    'if (!first || atoms.length < identity.atoms.size) return false;',
    'if (!first) return false;',
  ),
  'prefixes within one that changes are left as they were': inLiveCompiler(
    'live/node-view.ts',
    'for (const child of cell.children ?? []) cells.add(child);',
    '',
  ),
};

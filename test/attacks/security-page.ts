/** The tables of docs/security.md, made of the attacks and of what is known of other implementations. */
import { table } from '../../src/conformance/tables.ts';
import type { Attack, Campaign } from './attack.ts';
import type { Instead, KnownProject } from './known-bugs.ts';
import type { Threat } from './threats.ts';

export interface Security {
  readonly campaigns: readonly Campaign[];
  readonly knownProjects: readonly KnownProject[];
  readonly threats: readonly Threat[];
}

/** Markdown by the name that the page's marks have. */
export function securityTables({ campaigns, knownProjects, threats }: Security): ReadonlyMap<string, string> {
  return new Map([
    ['attacks', attackTable(campaigns)],
    ['known bugs', knownTable(knownProjects, campaigns)],
    ['threats', threatTable(threats)],
  ]);
}

/** The attacks that stand for any of these. */
export function attacksFor(ids: readonly string[], campaigns: readonly Campaign[]): readonly Attack[] {
  return campaigns
    .flatMap(({ attacks }) => attacks)
    .filter(({ standsFor }) => standsFor.some((id) => ids.includes(id)));
}

function attackTable(campaigns: readonly Campaign[]): string {
  const rows = campaigns.flatMap(({ title, attacks }) =>
    attacks.map(({ name, standsFor, outcome, harmless }) => [
      title,
      name,
      standsFor.join(', '),
      harmless ? `${outcome} (the kernel alone sees to that)` : outcome,
    ]),
  );
  return table(['Campaign', 'Attack', 'Stands for', 'What becomes of it'], rows);
}

function knownTable(projects: readonly KnownProject[], campaigns: readonly Campaign[]): string {
  const rows = projects.flatMap(({ project, bugs }) =>
    bugs.map(({ ids, bug, instead }) => [
      project,
      bug,
      ids.join(', '),
      instead ? told(instead) : `attack: ${named(attacksFor(ids, campaigns).map(({ name }) => name))}`,
    ]),
  );
  return table(['Of', 'What went wrong there', 'Known as', 'Here'], rows);
}

function told(instead: Instead): string {
  if ('cannotApply' in instead) return `can't be: ${instead.cannotApply}`;
  return `${instead.why}: ${instead.tests.map((path) => `\`${path}\``).join(', ')}`;
}

function threatTable(threats: readonly Threat[]): string {
  const rows = threats.map(({ threat, attacks, beside }, index) => [
    index + 1,
    threat,
    attacks.length > 0 ? named(attacks) : 'none',
    beside,
  ]);
  return table(['#', 'Threat', 'Attacks tried', 'Beside them'], rows);
}

/** Names of attacks have commas and semicolons of their own. */
function named(attacks: readonly string[]): string {
  return attacks.map((name) => `_${name}_`).join('; ');
}

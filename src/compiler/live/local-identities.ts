/**
 * Identities as the pods of one node see them: those to which each of the node's sets gives the same class are one.
 * (local-identities.ts of the full compile, kept up.)
 */
import type { ClassEntry, IdentityId } from '../program.ts';
import type { AddressValue } from '../tables.ts';
import { ContentTable, sameContent } from './content-table.ts';
import type { RuleSet } from './rule-sets.ts';

/** What a set gives that is not its fallback. */
export interface ClassOfSet {
  readonly set: RuleSet;
  readonly entry: ClassEntry;
}

export interface LocalIdentity {
  /** Ascending by set. */
  classes: readonly ClassOfSet[];
  /** Number of identities that it stands for. */
  users: number;
  /** What an address on another node says; undefined: not numbered yet. */
  value: AddressValue | undefined;
}

function remote(identity: IdentityId): AddressValue {
  return { identity, ingressSet: 0, egressSet: 0, role: 'remote' };
}

/** `heirOf`: whose number it has, and whose rows as far as both have the same class. */
interface Newcomer {
  readonly local: LocalIdentity;
  readonly heirOf: LocalIdentity | undefined;
}

export class LocalIdentities {
  /** Which no set tells from an address outside. */
  readonly plain: LocalIdentity = { classes: [], users: 1, value: remote(0) };
  /** All others. */
  readonly #known = new ContentTable<LocalIdentity, ClassOfSet>({
    contentOf: ({ classes }) => classes,
    hashOf: ({ set, entry }) => Math.imul(set.id, 0x9e3779b1) ^ entry.id,
    isSame: isSameClass,
  });
  readonly #touched = new Set<LocalIdentity>();
  readonly #fresh = new Map<LocalIdentity, Set<LocalIdentity>>();
  #nextId = 1;

  /**
   * `classes` sorted by set. Pods that no set tells from an address outside have a number of their own all the same:
   * when a rule for all pods comes, its identity has this to succeed, and no address changes.
   */
  retain(classes: readonly ClassOfSet[], isPod: boolean): LocalIdentity {
    const known = classes.length === 0 && !isPod ? this.plain : this.#known.find(classes);
    const local = known ?? { classes, users: 0, value: undefined };
    if (!known) {
      this.#known.add(local);
      this.#fresh.set(local, new Set());
    }
    local.users += 1;
    return local;
  }

  /** All that it stands for has these classes from now on. False, and nothing changes, if there is one that has them. */
  change(local: LocalIdentity, classes: readonly ClassOfSet[], isPod: boolean): boolean {
    if (local === this.plain || (classes.length === 0 && !isPod) || this.#known.find(classes)) return false;
    this.#known.delete(local);
    local.classes = classes;
    this.#known.add(local);
    return true;
  }

  release(local: LocalIdentity): void {
    local.users -= 1;
    this.#touched.add(local);
  }

  /** Some of what `heir` stands for was `local`. */
  succeeds(heir: LocalIdentity, local: LocalIdentity): void {
    this.#fresh.get(heir)?.add(local);
  }

  /**
   * Numbers what is new, and tells what came, and what went without an heir. If nobody goes on being one that a new one succeeds, this may
   * have its number, so that no address has to change; but only if a set that was there before (`isOld`) and is there
   * still gives both the same class: the meaning of a row never changes.
   */
  settle(isOld: (set: RuleSet) => boolean, isLocal: (set: RuleSet) => boolean, mayInherit: boolean) {
    const gone = [...this.#touched].filter(({ users, value }) => users === 0 && value !== undefined);
    const heirless = new Set(gone);
    const fresh: Newcomer[] = [];
    for (const [local, candidates] of this.#fresh) {
      if (local.users === 0) continue;
      const agrees = (candidate: LocalIdentity) =>
        heirless.has(candidate) && candidate !== this.plain && agree(candidate, local, isOld, isLocal);
      const heirOf = mayInherit ? [...candidates].find(agrees) : undefined;
      if (heirOf) heirless.delete(heirOf);
      local.value = heirOf?.value ?? remote(this.#nextId++);
      fresh.push({ local, heirOf });
    }
    for (const local of [...this.#touched, ...this.#fresh.keys()]) {
      if (local.users === 0) this.#known.delete(local);
    }
    this.#touched.clear();
    this.#fresh.clear();
    return { fresh, gone: heirless };
  }
}

function isSameClass(a: ClassOfSet, b: ClassOfSet): boolean {
  return a.set === b.set && a.entry === b.entry;
}

/** Those of `classes` that `others` has not; both ascending by set. */
export function classesWithout(classes: readonly ClassOfSet[], others: readonly ClassOfSet[]): ClassOfSet[] {
  let at = 0;
  return classes.filter(({ set, entry }) => {
    while ((others[at]?.set.id ?? Infinity) < set.id) at += 1;
    return others[at]?.set !== set || others[at]?.entry !== entry;
  });
}

function agree(
  before: LocalIdentity,
  after: LocalIdentity,
  isOld: (set: RuleSet) => boolean,
  isLocal: (set: RuleSet) => boolean,
): boolean {
  const was = before.classes.filter(({ set }) => isLocal(set) && isOld(set));
  const is = after.classes.filter(({ set }) => isOld(set));
  return sameContent(was, is, isSameClass);
}

/**
 * The predicates that rules in force need, counted: one comes to life with its first user and dies with its last, and
 * only the profiles that satisfy it are touched.
 */
import type { PodMatch } from '../../policy/ir.ts';
import type { Block } from '../cidr-cells.ts';
import { PodIndex } from '../pod-index.ts';
import type { PeerQuestion } from '../peer-questions.ts';
import type { NamedPorts, PortName, PredicateId } from '../predicates.ts';
import { isPod, nothingAsked } from './model.ts';
import type { AskedPorts, NamespaceState, Profile } from './model.ts';
import type { Namespaces } from './namespaces.ts';

interface Predicate {
  readonly id: PredicateId;
  readonly question: PeerQuestion;
  users: number;
  lives: boolean;
}

interface AskedName {
  users: number;
  lives: boolean;
  /** By port number. */
  readonly ids: Map<number, PredicateId>;
}

export interface PredicateChanges {
  readonly added: readonly Block[];
  readonly removed: readonly Block[];
}

export class LivePredicates {
  readonly #byKey = new Map<string, Predicate>();
  readonly #byId = new Map<PredicateId, Predicate>();
  readonly #pods = new PodIndex<PredicateId>();
  readonly #names = new Map<PortName, AskedName>();
  readonly #touched = new Set<Predicate>();
  readonly #touchedNames = new Set<PortName>();
  #nextId = 1;

  retain(question: PeerQuestion): PredicateId {
    let predicate = this.#byKey.get(question.key);
    if (!predicate) {
      predicate = { id: this.#nextId++, question, users: 0, lives: false };
      this.#byKey.set(question.key, predicate);
      this.#byId.set(predicate.id, predicate);
    }
    predicate.users += 1;
    this.#touched.add(predicate);
    return predicate.id;
  }

  release(id: PredicateId): void {
    const predicate = this.#byId.get(id);
    if (!predicate) return;
    predicate.users -= 1;
    this.#touched.add(predicate);
  }

  retainName(name: PortName): void {
    let asked = this.#names.get(name);
    if (!asked) this.#names.set(name, (asked = { users: 0, lives: false, ids: new Map() }));
    asked.users += 1;
    this.#touchedNames.add(name);
  }

  releaseName(name: PortName): void {
    const asked = this.#names.get(name);
    if (asked) asked.users -= 1;
    this.#touchedNames.add(name);
  }

  /** The namespace has other labels: what its profiles satisfy has to be found again. */
  forget(namespace: string): void {
    this.#pods.forget(namespace);
  }

  /** What the profile satisfies, apart from blocks, and which of its ports are asked for. */
  find(profile: Profile): void {
    const { namespace, labels, ports } = profile;
    const pods = this.#pods.find(namespace.name, namespace.labels, labels);
    const numbers = [...ports].flatMap(([name, list]) => this.#portIds(name, list));
    profile.predicates = [isPod, ...pods, ...numbers].sort((a, b) => a - b);
    profile.asked = this.#askedPorts(ports);
  }

  /** Brings to life and ends what was touched; changes the predicates of profiles that know theirs, and names them. */
  settle(namespaces: Namespaces, onChange: (profile: Profile) => void): PredicateChanges {
    const added: Block[] = [];
    const removed: Block[] = [];
    for (const predicate of this.#touched) {
      const { id, question, users } = predicate;
      if (users === 0) {
        this.#byKey.delete(question.key);
        this.#byId.delete(id);
      }
      if (predicate.lives === users > 0) continue;
      predicate.lives = users > 0;
      if (question.kind === 'blocks') {
        const changed = predicate.lives ? added : removed;
        for (const { cidr, except } of question.blocks) changed.push({ predicate: id, cidr, except });
        continue;
      }
      if (predicate.lives) this.#pods.add(question.match, id);
      else this.#pods.remove(question.match, id);
      const change = predicate.lives ? withId : withoutId;
      forEachMatching(question.match, namespaces, (profile) => {
        if (!profile.predicates) return;
        profile.predicates = change(profile.predicates, id);
        onChange(profile);
      });
    }
    this.#touched.clear();
    for (const name of this.#touchedNames) this.#settleName(name, namespaces, onChange);
    this.#touchedNames.clear();
    return { added, removed };
  }

  #settleName(name: PortName, namespaces: Namespaces, onChange: (profile: Profile) => void): void {
    const asked = this.#names.get(name);
    if (!asked) return;
    const lives = asked.users > 0;
    if (asked.lives !== lives) {
      asked.lives = lives;
      for (const profile of profilesOf(namespaces)) {
        const numbers = profile.ports.get(name);
        if (!numbers) continue;
        const ids = lives
          ? this.#portIds(name, numbers)
          : numbers.flatMap((each) => asked.ids.get(each) ?? []);
        if (!profile.predicates) continue;
        profile.predicates = ids.reduce(lives ? withId : withoutId, profile.predicates);
        profile.asked = this.#askedPorts(profile.ports);
        onChange(profile);
      }
    }
    if (!lives) this.#names.delete(name);
  }

  #askedPorts(ports: NamedPorts): AskedPorts {
    const asked = new Map([...ports].filter(([name]) => this.#names.get(name)?.lives));
    return asked.size > 0 ? { ports: asked, key: JSON.stringify([...asked]) } : nothingAsked;
  }

  #portIds(name: PortName, numbers: readonly number[]): PredicateId[] {
    const asked = this.#names.get(name);
    if (!asked?.lives) return [];
    return numbers.map((number) => {
      let id = asked.ids.get(number);
      if (id === undefined) asked.ids.set(number, (id = this.#nextId++));
      return id;
    });
  }
}

/** New ones are greatest. */
function withId(ids: readonly PredicateId[], id: PredicateId): readonly PredicateId[] {
  if ((ids.at(-1) ?? 0) < id) return [...ids, id];
  return ids.toSpliced(ids.findLastIndex((other) => other < id) + 1, 0, id);
}

function withoutId(ids: readonly PredicateId[], id: PredicateId): readonly PredicateId[] {
  const index = ids.lastIndexOf(id);
  return index < 0 ? ids : ids.toSpliced(index, 1);
}

function forEachMatching(
  { namespaces: wanted, pods }: PodMatch,
  all: Namespaces,
  visit: (profile: Profile) => void,
): void {
  const visitIn = ({ profiles }: NamespaceState) => {
    profiles.forEachMatching(pods, visit);
  };
  if (wanted.kind === 'selector') {
    all.forEachMatching(wanted.selector, visitIn);
    return;
  }
  const named = all.get(wanted.name);
  if (named) visitIn(named);
}

function* profilesOf(namespaces: Namespaces): Generator<Profile> {
  for (const namespace of namespaces.all) yield* namespace.profiles.all;
}

/** What has to happen between the network that is there and the one that should be. Pure. */
import { isDeepStrictEqual } from 'node:util';
import type { NetworkState } from './state.ts';
import type { Link, Place, Topology } from './topology.ts';

export interface Plan {
  /** What is right and surely there, before, during and after the change. */
  readonly kept: Topology;
  /** Names of living namespaces that are not wanted, or not surely whole. */
  readonly remove: readonly string[];
  /** Links to take away in surviving parents, so that their names can be used again; some may not exist. */
  readonly detach: readonly Link[];
  readonly create: readonly Place[];
  /** Settings to take away from, or add to, namespaces by name; some of `unset` may not be set. */
  readonly unset: ReadonlyMap<string, readonly string[]>;
  readonly set: ReadonlyMap<string, readonly string[]>;
  /** Places whose Service rules or resolver differ from what is surely there. */
  readonly loadRules: readonly Place[];
  readonly writeResolver: readonly Place[];
}

/** `existing` are the names of the lab's namespaces that are alive. */
export function planChange(state: NetworkState, existing: ReadonlySet<string>, wanted: Topology): Plan {
  const sure = byNetns(state.applied);
  const pending = state.pending.map(byNetns);

  const kept = new Map<string, Place>();
  for (const place of wanted) {
    const before = sure.get(place.netns);
    const parentStays = place.link === undefined || kept.has(place.link.parent);
    if (before && parentStays && existing.has(place.netns) && isDeepStrictEqual(before.link, place.link)) {
      kept.set(place.netns, common(before, place));
    }
  }

  const detach = [state.applied, ...state.pending]
    .flat()
    .filter((place) => !kept.has(place.netns))
    .flatMap((place) => place.link ?? [])
    .filter((link) => kept.has(link.parent));

  const set = new Map<string, string[]>();
  const unset = new Map<string, string[]>();
  for (const { netns, settings } of wanted) {
    const there = kept.get(netns)?.settings.lines ?? [];
    append(set, settings.netns, without(settings.lines, there));
    if (!kept.has(netns)) continue;
    const perhaps = [sure, ...pending].flatMap((places) => places.get(netns)?.settings.lines ?? []);
    append(unset, settings.netns, without(perhaps, settings.lines));
  }

  return {
    kept: [...kept.values()],
    remove: [...existing].filter((netns) => !kept.has(netns)),
    detach,
    create: wanted.filter((place) => !kept.has(place.netns)),
    unset,
    set,
    loadRules: wanted.filter((place) => place.rules !== (kept.get(place.netns)?.rules ?? '')),
    writeResolver: wanted.filter((place) => place.resolver !== (kept.get(place.netns)?.resolver ?? '')),
  };
}

/** A place that stays, with only that of it which need not be touched. */
function common(before: Place, wanted: Place): Place {
  const stays = new Set(before.settings.lines);
  return {
    ...wanted,
    settings: { ...wanted.settings, lines: wanted.settings.lines.filter((line) => stays.has(line)) },
    resolver: before.resolver === wanted.resolver ? wanted.resolver : '',
    rules: before.rules === wanted.rules ? wanted.rules : '',
  };
}

function byNetns(topology: Topology): ReadonlyMap<string, Place> {
  return new Map(topology.map((place) => [place.netns, place]));
}

function without(lines: readonly string[], others: readonly string[]): string[] {
  const excluded = new Set(others);
  return [...new Set(lines)].filter((line) => !excluded.has(line));
}

function append(lists: Map<string, string[]>, key: string, lines: readonly string[]): void {
  if (lines.length > 0) lists.set(key, [...(lists.get(key) ?? []), ...lines]);
}

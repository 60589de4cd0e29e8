/** From a table of cells to the few lines that say the same. */
import type { Over, PodFacts, PortFacts } from './facts.ts';

export interface Table {
  readonly pods: readonly PodFacts[];
  readonly ports: readonly PortFacts[];
  readonly allows: (cell: { from: PodFacts; to: PodFacts; port: PortFacts; over: Over }) => boolean;
}

/** Only `deny` lines, as what no line names is allowed. A pod to itself is never asked, so a line may include it. */
export function linesOf(table: Table): readonly string[] {
  const primary = linesOver(table, 'primary');
  const secondary = linesOver(table, 'secondary');
  if (primary.join('\n') === secondary.join('\n')) return primary;
  return [
    ...primary.map((line) => `${line} over primary`),
    ...secondary.map((line) => `${line} over secondary`),
  ];
}

/** Pods that are denied the same ports by the same others. */
interface Group {
  /** Denied ports, as a line names them. */
  readonly ports: string;
  readonly to: string[];
  readonly from: Set<string>;
}

function linesOver({ pods, ports, allows }: Table, over: Over): readonly string[] {
  const groups: Group[] = [];
  for (const to of pods) {
    const sources = Map.groupBy(
      pods.filter((from) => from !== to),
      (from) => portsText(ports, (port) => allows({ from, to, port, over })),
    );
    for (const [denied, from] of sources)
      if (denied !== undefined)
        join(groups, { ports: denied, to: to.key, from: new Set(from.map(({ key }) => key)) });
  }
  const all = pods.map(({ key }) => key);
  return groups.map(({ ports: denied, to, from }) => {
    const [onlyTarget] = to.length === 1 ? to : [];
    const [onlySource] = from.size === 1 ? from : [];
    // Only one side may take in the other's only end: both together would name that pair the other way round, too.
    const sources = endsText(all, from, onlyTarget);
    const isWidened = sources !== endsText(all, from, undefined);
    const targets = endsText(all, new Set(to), isWidened ? undefined : onlySource);
    return `deny from ${sources} to ${targets}${denied}`;
  });
}

/** Adds to the first group that stays a rectangle, but for the cells of a pod to itself. */
function join(groups: Group[], one: { ports: string; to: string; from: ReadonlySet<string> }): void {
  const group = groups.find(({ ports, to, from }) => {
    const both = from.union(one.from);
    const fits = (target: string, own: ReadonlySet<string>) =>
      [...both].every((source) => source === target || own.has(source));
    return ports === one.ports && fits(one.to, one.from) && to.every((target) => fits(target, from));
  });
  if (!group) {
    groups.push({ ports: one.ports, to: [one.to], from: new Set(one.from) });
    return;
  }
  group.to.push(one.to);
  for (const source of one.from) group.from.add(source);
}

/** `''` all, ` on …` or ` except on …` some, undefined none of the ports. */
function portsText(ports: readonly PortFacts[], allowed: (port: PortFacts) => boolean): string | undefined {
  const text = (list: readonly PortFacts[]) =>
    list.map(({ port, protocol }) => `${port}/${protocol}`).join(',');
  const open = ports.filter(allowed);
  const closed = ports.filter((port) => !open.includes(port));
  if (closed.length === 0) return undefined;
  if (open.length === 0) return '';
  return closed.length <= open.length ? ` on ${text(closed)}` : ` except on ${text(open)}`;
}

/** `*`, `x/*`, names. `indifferent` may be among them or not. */
function endsText(
  all: readonly string[],
  ends: ReadonlySet<string>,
  indifferent: string | undefined,
): string {
  const covered = (key: string) => ends.has(key) || key === indifferent;
  if (all.every(covered)) return '*';
  const namespaces = [...Map.groupBy(all, (key) => key.slice(0, key.indexOf('/')))];
  return namespaces
    .flatMap(([namespace, keys]) => {
      const here = keys.filter((key) => ends.has(key));
      return keys.every(covered) && here.length > 0 && keys.length > 1 ? [`${namespace}/*`] : here;
    })
    .join(',');
}

/** A reachability matrix as pictures and tables show it: points in groups, and a cell for each ordered pair. */

export interface ViewPoint {
  /** Short name within its group: `cart`. */
  readonly name: string;
  /** Namespace, or `outside` for addresses that are no pods. */
  readonly group: string;
  /** What stands behind it: `Deployment, 3 pods`, `203.0.113.0/24`. */
  readonly detail: string;
  /** Ports on which it is asked: `7070/TCP`. Empty: it is never a destination. */
  readonly ports: readonly string[];
}

/** `all`: every port is allowed. `some`: some are. `none`: none. `na`: nobody can ask (no port, outside to outside). */
export type CellState = 'all' | 'some' | 'none' | 'na';

export interface ViewCell {
  readonly state: CellState;
  readonly allowed: readonly string[];
  readonly denied: readonly string[];
}

export interface MatrixView {
  readonly points: readonly ViewPoint[];
  /** `cells[from][to]`, indices into `points`. */
  readonly cells: readonly (readonly ViewCell[])[];
  /** One line about the whole: `12 workloads, 23 of 132 pairs may talk`. */
  readonly summary: string;
}

export function cellAt(view: MatrixView, from: number, to: number): ViewCell {
  const cell = view.cells[from]?.[to];
  if (!cell) throw new RangeError(`no cell ${from}, ${to}`);
  return cell;
}

/** `shop/cart`, `outside/internet`. */
export function pointLabel(point: ViewPoint): string {
  return `${point.group}/${point.name}`;
}

/** Rows that can begin a connection to anybody, and columns that somebody can ask. */
export function axes(view: MatrixView): {
  readonly rows: readonly number[];
  readonly columns: readonly number[];
} {
  const indices = view.points.map((_, index) => index);
  return {
    rows: indices.filter((from) => indices.some((to) => cellAt(view, from, to).state !== 'na')),
    columns: indices.filter((to) => indices.some((from) => cellAt(view, from, to).state !== 'na')),
  };
}

/** Consecutive indices of the same group. */
export function groupsOf(
  view: MatrixView,
  indices: readonly number[],
): { group: string; indices: number[] }[] {
  const groups: { group: string; indices: number[] }[] = [];
  for (const index of indices) {
    const group = view.points[index]?.group ?? '';
    const last = groups.at(-1);
    if (last?.group === group) last.indices.push(index);
    else groups.push({ group, indices: [index] });
  }
  return groups;
}

/** `allowed on 7070/TCP, denied on 9090/TCP`. */
export function describeCell({ allowed, denied }: ViewCell): string {
  const parts = [
    { verdict: 'allowed', ports: allowed },
    { verdict: 'denied', ports: denied },
  ].filter(({ ports }) => ports.length > 0);
  return parts.map(({ verdict, ports }) => `${verdict} on ${ports.join(', ')}`).join('; ');
}

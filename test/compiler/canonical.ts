/** Tables with contents in place of ids, so that tables of different compilers can be compared. */
import { formatPosition } from '../../src/errors.ts';
import type { IdentityId, Program, RuleId, SetId } from '../../src/compiler/program.ts';
import { unprogrammedIdentity } from '../../src/compiler/tables.ts';
import type { NodeTables } from '../../src/compiler/tables.ts';

export function canonicalTables(program: Program, tables: NodeTables) {
  const rule = (id: RuleId) => {
    const origin = program.rules.get(id);
    return origin
      ? `${origin.namespace}/${origin.name} ${origin.direction} ${formatPosition(origin.position)}`
      : `${id}`;
  };
  const identity = (id: IdentityId) =>
    id === unprogrammedIdentity ? 'unprogrammed' : (program.identities.get(id) ?? [`${id}`]).join(' & ');
  const portsByClass = Map.groupBy(tables.ports.values(), (row) => row.class);
  const classRowsBySet = Map.groupBy(tables.classes.values(), (row) => row.set);
  const portTexts = (id: number) =>
    (portsByClass.get(id) ?? [])
      .map((row) => `${row.protocol}:${row.port}/${row.prefixLength} ${row.allow} ${rule(row.rule)}`)
      .sort();
  const set = (id: SetId) =>
    (classRowsBySet.get(id) ?? [])
      .map((row) => `${identity(row.identity)} → ${row.lengths} ${portTexts(row.class).join(', ')}`)
      .sort();
  return {
    addresses: new Map(
      [...tables.addresses].sort(byKey).map(([key, { value }]) => [
        key,
        {
          role: value.role,
          identity: identity(value.identity),
          ingress: set(value.ingressSet),
          egress: set(value.egressSet),
          isolated: [value.ingressSet !== 0, value.egressSet !== 0],
        },
      ]),
    ),
    cidrs: new Map([...tables.cidrs].sort(byKey).map(([key, row]) => [key, identity(row.identity)])),
    // With every set's content compared above, equal sizes mean that there is nothing beside it.
    sizes: { classes: tables.classes.size, ports: tables.ports.size },
  };
}

function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Tables with contents in place of ids, so that tables of different compilers can be compared. */
import { formatPosition } from '../../src/errors.ts';
import type { IdentityId, Program, RuleId, SetId } from '../../src/compiler/program.ts';
import { unprogrammedIdentity } from '../../src/compiler/tables.ts';
import type { AddressRow, NodeTables } from '../../src/compiler/tables.ts';

/** For each address and prefix: what it is, and its port tables towards and from each pod of the node. */
export function canonicalTables(program: Pick<Program, 'rules'>, tables: NodeTables) {
  const rule = (id: RuleId) => {
    const origin = program.rules.get(id);
    return origin
      ? `${origin.namespace}/${origin.name} ${origin.direction} ${formatPosition(origin.position)}`
      : `${id}`;
  };
  const portsByClass = Map.groupBy(tables.ports.values(), (row) => row.class);
  const portTable = (set: SetId, identity: IdentityId) => {
    if (set === 0) return 'not isolated';
    const row = tables.classes.get(`${set}:${identity}`) ?? tables.classes.get(`${set}:0`);
    const entries = (row ? (portsByClass.get(row.class) ?? []) : []).map(
      (entry) => `${entry.protocol}:${entry.port}/${entry.prefixLength} ${entry.allow} ${rule(entry.rule)}`,
    );
    return `${row?.lengths ?? 0} ${entries.sort().join(', ')}`;
  };
  const localPods = [...tables.addresses].filter(([, { value }]) => value.role === 'local-pod').sort(byKey);
  const seenBy = (identity: IdentityId) =>
    identity === unprogrammedIdentity
      ? 'unprogrammed'
      : localPods.map(([text, { value }]: [string, AddressRow]) => ({
          pod: text,
          from: portTable(value.ingressSet, identity),
          to: portTable(value.egressSet, identity),
        }));
  return {
    addresses: [...tables.addresses]
      .sort(byKey)
      .map(([text, { value }]) => ({ text, role: value.role, seen: seenBy(value.identity) })),
    cidrs: [...tables.cidrs].sort(byKey).map(([text, row]) => ({ text, seen: seenBy(row.identity) })),
    // With everything reachable compared above, equal sizes mean that there is nothing beside it.
    sizes: { classes: tables.classes.size, ports: tables.ports.size },
  };
}

function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

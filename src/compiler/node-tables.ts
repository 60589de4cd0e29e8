/**
 * What of a Program one node has to hold: it enforces its own pods, so of all other addresses only their identity
 * matters, and of the identities only as much as the rules of its own pods can tell apart.
 */
import { cidrContainsCidr } from '../objects/ip.ts';
import type { Cidr } from '../objects/ip.ts';
import { mergeIdentities } from './local-identities.ts';
import { portRows } from './port-rows.ts';
import type { Rows } from './port-rows.ts';
import { PrefixTable } from './prefix-table.ts';
import type { AddressEntry, ClassEntry, ClassId, IdentityId, Program, SetEntry, SetId } from './program.ts';
import { unprogrammedIdentity } from './tables.ts';
import type { AddressRow, CidrRow, ClassRow, NodeTables, PortRow } from './tables.ts';

/**
 * `podRanges`: prefixes in which an address without a row belongs to a pod that is not programmed yet; its packets
 * are dropped. Without them such an address is judged like any other outside the cluster.
 */
export function nodeTables(program: Program, node: string, podRanges: readonly Cidr[]): NodeTables {
  const sets = setsOfPodsOn(program, node);
  const merged = mergeIdentities(sets);
  const project = (identity: IdentityId) => merged.get(identity) ?? 0;
  const addresses = new Map<string, AddressRow>();
  for (const [text, entry] of program.addresses) addresses.set(text, addressRow(entry, node, project));
  const cidrs = cidrRows(program, podRanges, project);
  return { addresses, cidrs, ...reachable(program, sets, project) };
}

function setsOfPodsOn(program: Program, node: string): SetEntry[] {
  const ids = new Set<SetId>();
  for (const { owner, ingressSet, egressSet } of program.addresses.values()) {
    if (owner.kind === 'pod' && owner.node === node) ids.add(ingressSet).add(egressSet);
  }
  return [...ids].flatMap((id) => program.sets.get(id) ?? []);
}

function addressRow(
  { address, identity, ingressSet, egressSet, owner }: AddressEntry,
  node: string,
  project: (identity: IdentityId) => IdentityId,
): AddressRow {
  const seen = project(identity);
  if (owner.node !== node) {
    return { address, value: { identity: seen, ingressSet: 0, egressSet: 0, role: 'remote' } };
  }
  const role = owner.kind === 'pod' ? 'local-pod' : 'local-node';
  return { address, value: { identity: seen, ingressSet, egressSet, role } };
}

/** A prefix with the same answer as the prefix around it is left out. */
function cidrRows(
  program: Program,
  podRanges: readonly Cidr[],
  project: (identity: IdentityId) => IdentityId,
): Map<string, CidrRow> {
  const outside = program.cidrs
    .filter(({ cidr }) => !podRanges.some((range) => cidrContainsCidr(range, cidr)))
    .map(({ cidr, identity }) => ({ cidr, identity: project(identity) }));
  const ranges = podRanges.map((cidr) => ({ cidr, identity: unprogrammedIdentity }));
  const rows = new Map<string, CidrRow>();
  const kept = new PrefixTable<IdentityId>();
  for (const row of [...outside, ...ranges].sort((a, b) => a.cidr.prefixLength - b.cidr.prefixLength)) {
    if (row.identity === (kept.cover(row.cidr) ?? 0)) continue;
    kept.set(row.cidr, row.identity);
    rows.set(row.cidr.text, row);
  }
  return rows;
}

function reachable(
  program: Program,
  sets: readonly SetEntry[],
  project: (identity: IdentityId) => IdentityId,
): Pick<NodeTables, 'classes' | 'ports'> {
  const classes = new Map<string, ClassRow>();
  const ports = new Map<string, PortRow>();
  for (const set of sets) {
    for (const [key, row] of classRows(program, set)) {
      if (project(row.identity) === row.identity) classes.set(key, row);
    }
    for (const id of new Set(set.classes.values())) {
      for (const [key, row] of portRows(classOf(program, id)).rows) ports.set(key, row);
    }
  }
  return { classes, ports };
}

function classOf(program: Program, id: ClassId): ClassEntry {
  const entry = program.classes.get(id);
  if (!entry) throw new Error(`class ${id} is missing from the program`);
  return entry;
}

/** A Compiler keeps the entries that a change doesn't touch, so their rows need not be made again. */
const knownClassRows = new WeakMap<SetEntry['classes'], Rows<ClassRow>>();

function classRows(program: Program, { id, classes }: SetEntry): Rows<ClassRow> {
  let rows = knownClassRows.get(classes);
  if (!rows) {
    rows = [...classes].map(([identity, each]) => {
      const { lengths } = portRows(classOf(program, each));
      return [`${id}:${identity}`, { set: id, identity, class: each, lengths }];
    });
    knownClassRows.set(classes, rows);
  }
  return rows;
}

/**
 * How many entries the policies of a cluster need: as they are compiled here, as the busiest node programs them, and
 * as two common designs would lay them out for the same cluster.
 */
import { nodeTables } from '../compiler/node-tables.ts';
import type { Program } from '../compiler/program.ts';
import type { NodeTables } from '../compiler/tables.ts';
import type { Cluster } from '../objects/model.ts';
import type { Policy } from '../policy/ir.ts';
import { perEndpointMaps } from './per-endpoint-maps.ts';
import type { EndpointMaps } from './per-endpoint-maps.ts';
import { perPolicySets } from './per-policy-sets.ts';
import type { PolicySets } from './per-policy-sets.ts';

export interface TableStats {
  readonly cluster: { readonly pods: number; readonly policies: number; readonly nodes: number };
  readonly program: {
    readonly addresses: number;
    readonly prefixes: number;
    readonly identities: number;
    readonly sets: number;
    /** Rows (set, identity) → class. */
    readonly setIdentities: number;
    readonly classes: number;
    /** Port prefixes of all classes. */
    readonly ports: number;
  };
  /** The node that programs most. Absent where there is none. */
  readonly node?: {
    readonly name: string;
    readonly localPods: number;
    readonly addresses: number;
    readonly prefixes: number;
    readonly setIdentities: number;
    readonly ports: number;
  };
  readonly perEndpoint: EndpointMaps;
  readonly perPolicy: PolicySets;
}

export function tableStats(cluster: Cluster, policies: readonly Policy[], program: Program): TableStats {
  const node = busiestNode(cluster, program);
  return {
    cluster: { pods: cluster.pods.size, policies: policies.length, nodes: cluster.nodes.size },
    program: {
      addresses: program.addresses.size,
      prefixes: program.cidrs.length,
      identities: program.identities.size,
      sets: program.sets.size,
      setIdentities: program.sets.values().reduce((sum, { classes }) => sum + classes.size, 0),
      classes: program.classes.size,
      ports: program.classes.values().reduce((sum, { ports }) => sum + ports.length, 0),
    },
    ...(node ? { node } : {}),
    perEndpoint: perEndpointMaps(cluster, program),
    perPolicy: perPolicySets(cluster, policies),
  };
}

/** By rows, beside those of addresses, which all nodes have. Of many nodes only those with the most pods are tried. */
function busiestNode(cluster: Cluster, program: Program): TableStats['node'] {
  const pods = new Map<string, number>([...cluster.nodes.keys()].map((name) => [name, 0]));
  for (const { owner } of program.addresses.values()) {
    if (owner.kind === 'pod') pods.set(owner.node, (pods.get(owner.node) ?? 0) + 1);
  }
  const tried = [...pods].sort(([, a], [, b]) => b - a).slice(0, 8);
  const rows = tried.map(([name, localPods]) => {
    const tables = nodeTables(program, name, cluster.nodes.get(name)?.podCIDRs ?? []);
    return { name, localPods, tables };
  });
  const [busiest] = rows.sort((a, b) => ownRows(b.tables) - ownRows(a.tables));
  if (!busiest) return undefined;
  const { name, localPods, tables } = busiest;
  return {
    name,
    localPods,
    addresses: tables.addresses.size,
    prefixes: tables.cidrs.size,
    setIdentities: tables.classes.size,
    ports: tables.ports.size,
  };
}

function ownRows({ cidrs, classes, ports }: NodeTables): number {
  return cidrs.size + classes.size + ports.size;
}

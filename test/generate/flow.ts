/** Flows that hit what a cluster's policies can tell apart: every address of interest, every port at its edges. */
import * as fc from 'fast-check';
import { cidrContains } from '../../src/objects/ip.ts';
import type { Address, IpFamily } from '../../src/objects/ip.ts';
import type { Cluster } from '../../src/objects/model.ts';
import { holderOf } from '../../src/policy/holder.ts';
import type { Flow } from '../../src/policy/verdict.ts';
import { protocolNumbers } from '../../src/policy/verdict.ts';
import { outsideAddresses } from './universe.ts';

/** Pods first (so that failures shrink to them), then nodes, then the outside. */
export function interestingAddresses(cluster: Cluster): readonly Address[] {
  const inside = [
    ...cluster.pods.values().flatMap((pod) => pod.addresses),
    ...cluster.nodes.values().flatMap((node) => node.addresses),
  ];
  const all = [...inside, ...outsideAddresses];
  return [...new Map(all.map((candidate) => [candidate.text, candidate])).values()];
}

/** Both sides of both ends of every range and container port, and the ends of the port space. */
export function interestingPorts(cluster: Cluster): readonly number[] {
  const policies = [...cluster.networkPolicies.values()];
  const inRules = policies
    .flatMap((policy) => [...policy.ingress, ...policy.egress])
    .flatMap((rule) => rule.ports)
    .flatMap(({ port, endPort }) => (typeof port === 'number' ? [port, endPort ?? port] : []));
  const onPods = [...cluster.pods.values()].flatMap((pod) => pod.ports.map((port) => port.containerPort));
  const edges = [...inRules, ...onPods].flatMap((port) => [port, port - 1, port + 1]);
  return [...new Set([80, ...inRules, ...onPods, ...edges, 0, 65535])].filter(
    (port) => 0 <= port && port <= 65535,
  );
}

/** Nobody holds it, but a node's pod range contains it: a strict datapath drops what the policies may allow. */
export function isUnprogrammed(cluster: Cluster, address: Address): boolean {
  const inPodRange = cluster.nodes
    .values()
    .some((node) => node.podCIDRs.some((range) => cidrContains(range, address)));
  return inPodRange && holderOf(cluster, address).kind === 'external';
}

/** Choices that become a flow once the cluster is known; taken modulo what there is to choose from. */
export interface FlowSeed {
  readonly source: number;
  readonly destination: number;
  readonly protocol: 'TCP' | 'UDP' | 'SCTP' | 'ICMP' | 'other';
  readonly port: number;
}

export const arbitraryFlowSeed: fc.Arbitrary<FlowSeed> = fc.record({
  source: fc.noBias(fc.nat({ max: 99 })),
  destination: fc.noBias(fc.nat({ max: 99 })),
  protocol: fc.oneof(
    { weight: 5, arbitrary: fc.constant('TCP' as const) },
    { weight: 3, arbitrary: fc.constantFrom('UDP', 'SCTP') },
    { weight: 1, arbitrary: fc.constantFrom('ICMP', 'other') },
  ),
  port: fc.noBias(fc.nat({ max: 99 })),
});

/** Source and destination are of one family (the destination's); three of four are pods. */
export function buildFlow(cluster: Cluster, seed: FlowSeed): Flow {
  const pods = [...cluster.pods.values()].flatMap((pod) => pod.addresses);
  const pickAddress = (choice: number, family?: IpFamily) => {
    const suits = (candidate: Address) => family === undefined || candidate.family === family;
    const few = choice % 4 === 3 ? [] : pods.filter(suits);
    return pick(few.length > 0 ? few : interestingAddresses(cluster).filter(suits), Math.floor(choice / 4));
  };
  const destination = pickAddress(seed.destination);
  const source = pickAddress(seed.source, destination.family);
  switch (seed.protocol) {
    case 'ICMP':
      return { source, destination, protocol: destination.family === 4 ? 1 : 58, port: 0 };
    case 'other':
      return { source, destination, protocol: 47, port: 0 };
    case 'TCP':
    case 'UDP':
    case 'SCTP': {
      const port = pick(interestingPorts(cluster), seed.port);
      return { source, destination, protocol: protocolNumbers[seed.protocol], port };
    }
  }
}

/** Every pair of interesting addresses on every interesting port of every protocol: thousands of flows. */
export function* allFlows(cluster: Cluster): Generator<Flow> {
  const addresses = interestingAddresses(cluster);
  const ports = interestingPorts(cluster);
  for (const source of addresses) {
    for (const destination of addresses) {
      if (source.family !== destination.family) continue;
      yield { source, destination, protocol: source.family === 4 ? 1 : 58, port: 0 };
      yield { source, destination, protocol: 47, port: 0 };
      for (const protocol of Object.values(protocolNumbers)) {
        for (const port of ports) yield { source, destination, protocol, port };
      }
    }
  }
}

function pick<T>(choices: readonly T[], seed: number): T {
  const choice = choices[seed % choices.length];
  if (choice === undefined) throw new Error('nothing to choose from');
  return choice;
}

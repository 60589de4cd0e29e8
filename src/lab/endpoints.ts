/** Which servers a lab runs: each pod on the ports that are probed, the outside world on those of the egress rules. */
import type { Point, PortSpec } from '../analyze/points.ts';
import { pointsOf } from '../analyze/points.ts';
import type { Address } from '../objects/ip.ts';
import type { Cluster } from '../objects/model.ts';
import type { Policy } from '../policy/ir.ts';
import { netnsPath, podNetns, worldNetns } from './network/names.ts';
import type { Endpoint } from './servers.ts';

/** SCTP ports have none: a kernel without the SCTP module can't listen on them. */
export function endpointsOf(lab: string, cluster: Cluster, policies: readonly Policy[]): readonly Endpoint[] {
  return pointsOf(cluster, policies).flatMap((point) => endpointsOfPoint(lab, point));
}

function endpointsOfPoint(lab: string, point: Point): Endpoint[] {
  if (point.kind === 'external') {
    const namespace = netnsPath(worldNetns(lab));
    return point.ports.flatMap((port) =>
      point.addresses.flatMap((address) => endpoint({ namespace, port, name: address.text, address })),
    );
  }
  const namespace = netnsPath(podNetns(lab, point.pod));
  const addresses = point.pod.hostNetwork ? point.addresses : [undefined];
  return point.ports.flatMap((port) =>
    addresses.flatMap((address) => endpoint({ namespace, port, name: point.id, address })),
  );
}

function endpoint(options: {
  namespace: string;
  port: PortSpec;
  name: string;
  address: Address | undefined;
}): Endpoint[] {
  const { namespace, port, name, address } = options;
  const { protocol } = port;
  if (protocol === 'SCTP') return [];
  const line = `${name} ${protocol} ${port.port}`;
  return [{ namespace, protocol, port: port.port, line, ...(address ? { address } : {}) }];
}

/** The Service port that leads to where a question goes. */
import type { Cluster } from '../../objects/model.ts';
import { addressOf } from '../cells.ts';
import type { Question } from '../engine.ts';
import { serviceName } from '../manifests.ts';
import type { Target } from './lab-prober.ts';

export interface ServiceTarget extends Target {
  /** Its DNS name. */
  readonly name: string;
}

/** Undefined where the destination is no pod with a Service on that port. */
export function serviceOf({ to, port, family }: Question, cluster: Cluster): ServiceTarget | undefined {
  if (to.kind !== 'pod') return undefined;
  const key = `${to.pod.namespace}/${serviceName(to.name)}`;
  const address = cluster.services.get(key)?.clusterIPs.find((candidate) => candidate.family === family);
  const pod = addressOf(to, family);
  const endpoints = cluster.endpoints.find(
    (candidate) =>
      candidate.service === key &&
      candidate.port.protocol === port.protocol &&
      candidate.backends.some((backend) => backend.port === port.port && backend.address.text === pod?.text),
  );
  if (!address || !endpoints) return undefined;
  return {
    address,
    port: endpoints.port.port,
    name: `${serviceName(to.name)}.${to.pod.namespace}.svc.cluster.local`,
  };
}

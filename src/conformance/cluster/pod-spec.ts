/** A pod that serves its ports, and from which probes are sent. */
import type { ContainerPort, Labels } from '../../objects/model.ts';

export interface WantedPod {
  /** `namespace/name`, as the case calls it. */
  readonly key: string;
  /** As the cluster calls it. */
  readonly node: string;
  readonly labels: Labels;
  readonly ports: readonly ContainerPort[];
}

/** What its servers call themselves. */
export function hostnameOf(key: string): string {
  return key.replace('/', '-');
}

/** The one that probes are sent from. */
export const container = 'first';

/** A server for each number, which serves it over TCP and UDP. */
export function podObject(
  pod: WantedPod,
  { name, namespace, image }: { name: string; namespace: string; image: string },
): unknown {
  const byNumber = Map.groupBy(pod.ports, ({ containerPort }) => containerPort);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels: pod.labels },
    spec: {
      hostname: hostnameOf(pod.key),
      nodeSelector: { 'kubernetes.io/hostname': pod.node },
      terminationGracePeriodSeconds: 0,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      containers: [...byNumber].map(([number, ports], index) => ({
        name: index === 0 ? container : `serve-${number}`,
        image,
        imagePullPolicy: 'IfNotPresent',
        args: ['netexec', `--http-port=${number}`, `--udp-port=${number}`],
        ports: ports.map((port) => ({
          ...(port.name === undefined ? {} : { name: port.name }),
          containerPort: port.containerPort,
          protocol: port.protocol,
        })),
      })),
    },
  };
}

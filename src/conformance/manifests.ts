/** The Kubernetes manifests of a case's cluster, as plain values. */
import type { Address } from '../objects/ip.ts';
import type { Labels } from '../objects/model.ts';
import type { PolicyBody, PortSpec } from './case.ts';
import type { ModelNode } from './models.ts';

export interface PodState {
  readonly node: string;
  readonly host: number;
  readonly addresses?: readonly Address[];
  readonly labels: Labels;
  readonly ports: readonly PortSpec[];
  readonly hostNetwork: boolean;
  readonly phase: string;
}

/**
 * Services listen on other ports than their pods, so that an engine that judged before destination NAT would be found
 * out.
 */
export const servicePortOffset = 10_000;

/** The Service of a pod; also the value of a label that no policy mentions, by which it finds its pod. */
export function serviceName(key: string): string {
  return `s-${key.replace('/', '-')}`;
}

export function nodeManifest(name: string, node: ModelNode): unknown {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name },
    spec: { podCIDRs: node.pods.map(({ text }) => text) },
    status: { addresses: node.addresses.map(({ text }) => ({ type: 'InternalIP', address: text })) },
  };
}

export function namespaceManifest(name: string, labels: Labels): unknown {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
}

export function podManifest(key: string, pod: PodState, addresses: readonly Address[]): unknown {
  const [namespace, name] = key.split('/');
  const ports = pod.ports.map(({ protocol, port, name: portName }) => {
    return { name: portName, containerPort: port, protocol };
  });
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace, name, labels: { ...pod.labels, service: serviceName(key) } },
    spec: {
      nodeName: pod.node,
      hostNetwork: pod.hostNetwork,
      containers: [{ name: 'serve', image: 'serve', ports }],
    },
    status: {
      phase: pod.phase,
      ...(pod.hostNetwork ? {} : { podIPs: addresses.map(({ text }) => ({ ip: text })) }),
    },
  };
}

export function serviceManifest(key: string, pod: PodState, addresses: readonly Address[]): unknown {
  const [namespace] = key.split('/');
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace, name: serviceName(key) },
    spec: {
      selector: { service: serviceName(key) },
      ipFamilyPolicy: 'PreferDualStack',
      clusterIPs: addresses.map(({ text }) => text),
      ports: pod.ports.map(({ protocol, port, name }) => {
        return { name, protocol, port: port + servicePortOffset, targetPort: port };
      }),
    },
  };
}

export function policyManifest(key: string, { apiVersion, metadata, spec }: PolicyBody): unknown {
  const [namespace, name] = key.split('/');
  return { apiVersion, kind: 'NetworkPolicy', metadata: { ...metadata, namespace, name }, spec };
}

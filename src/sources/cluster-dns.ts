/**
 * The cluster's DNS, for manifests that have none, with the names and labels that every distribution uses and
 * policies therefore select. The Service gets the well-known address (10.96.0.10, fd00:10:96::a).
 */
import type { Cluster } from '../objects/model.ts';
import { assembleCluster } from './assemble.ts';
import { parseManifests } from './manifests.ts';

export const clusterDnsService = 'kube-system/kube-dns';

/** Whether the manifests bring a DNS Service of their own. */
export function hasClusterDns(cluster: Cluster): boolean {
  return cluster.services.has(clusterDnsService);
}

/** With the namespace and the pod of a DNS, for asking what selectors select: addresses may be those of other pods. */
export function withAssumedDns(cluster: Cluster): Cluster {
  if (hasClusterDns(cluster)) return cluster;
  const { objects } = parseManifests(clusterDnsManifests, 'cluster DNS');
  const { namespaces, pods } = assembleCluster(objects, { families: cluster.families, nodes: 1 });
  return {
    ...cluster,
    namespaces: new Map([...namespaces, ...cluster.namespaces]),
    pods: new Map([...pods, ...cluster.pods]),
  };
}

export const clusterDnsManifests = `apiVersion: v1
kind: Service
metadata:
  name: kube-dns
  namespace: kube-system
  labels:
    k8s-app: kube-dns
    kubernetes.io/name: CoreDNS
spec:
  selector:
    k8s-app: kube-dns
  ipFamilyPolicy: PreferDualStack
  ports:
    - name: dns
      port: 53
      protocol: UDP
    - name: dns-tcp
      port: 53
      protocol: TCP
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: coredns
  namespace: kube-system
  labels:
    k8s-app: kube-dns
spec:
  replicas: 1
  selector:
    matchLabels:
      k8s-app: kube-dns
  template:
    metadata:
      labels:
        k8s-app: kube-dns
    spec:
      containers:
        - name: coredns
          image: registry.k8s.io/coredns/coredns:v1.12.0
          ports:
            - name: dns
              containerPort: 53
              protocol: UDP
            - name: dns-tcp
              containerPort: 53
              protocol: TCP
`;

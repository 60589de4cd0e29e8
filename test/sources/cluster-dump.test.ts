import { expect, test } from 'vitest';
import { assembleCluster } from '../../src/sources/assemble.ts';
import { parseManifests } from '../../src/sources/manifests.ts';

/** The shape of `kubectl get nodes,pods,deployments,replicasets,services,endpoints,… -A -o yaml`, cut down. */
const dump = `apiVersion: v1
kind: List
metadata:
  resourceVersion: ""
items:
- apiVersion: v1
  kind: Node
  metadata:
    annotations: { node.alpha.kubernetes.io/ttl: "0" }
    creationTimestamp: "2024-05-01T10:00:00Z"
    labels: { kubernetes.io/hostname: kind-control-plane }
    name: kind-control-plane
  spec:
    podCIDR: 10.244.0.0/24
    podCIDRs:
    - 10.244.0.0/24
  status:
    addresses:
    - { address: 172.18.0.2, type: InternalIP }
    - { address: kind-control-plane, type: Hostname }
- apiVersion: v1
  kind: Pod
  metadata:
    generateName: cart-7d9f8c6b5-
    labels: { app: cart, pod-template-hash: 7d9f8c6b5 }
    managedFields: [{ manager: kubelet, fieldsV1: { "f:status": { "f:podIPs": {} } } }]
    name: cart-7d9f8c6b5-x2x4z
    namespace: shop
    ownerReferences:
    - { apiVersion: apps/v1, controller: true, kind: ReplicaSet, name: cart-7d9f8c6b5, uid: "1" }
  spec:
    containers:
    - name: cart
      ports:
      - { containerPort: 8080, name: http, protocol: TCP }
    nodeName: kind-control-plane
  status:
    hostIP: 172.18.0.2
    phase: Running
    podIP: 10.244.0.5
    podIPs: [{ ip: 10.244.0.5 }]
- apiVersion: v1
  kind: Pod
  metadata:
    name: migrate-9k2lp
    namespace: shop
    ownerReferences:
    - { apiVersion: batch/v1, controller: true, kind: Job, name: migrate, uid: "2" }
  spec: { nodeName: kind-control-plane }
  status: { phase: Succeeded, podIP: 10.244.0.5, podIPs: [{ ip: 10.244.0.5 }] }
- apiVersion: v1
  kind: Pod
  metadata:
    name: etcd-kind-control-plane
    namespace: kube-system
    ownerReferences:
    - { apiVersion: v1, controller: true, kind: Node, name: kind-control-plane, uid: "3" }
  spec: { hostNetwork: true, nodeName: kind-control-plane }
  status: { phase: Running, podIP: 172.18.0.2, podIPs: [{ ip: 172.18.0.2 }] }
- apiVersion: apps/v1
  kind: Deployment
  metadata: { name: cart, namespace: shop }
  spec:
    replicas: 1
    template: { metadata: { labels: { app: cart } }, spec: { containers: [{ name: cart }] } }
- apiVersion: apps/v1
  kind: ReplicaSet
  metadata:
    name: cart-7d9f8c6b5
    namespace: shop
    ownerReferences: [{ apiVersion: apps/v1, controller: true, kind: Deployment, name: cart, uid: "4" }]
  spec: { replicas: 1, template: { metadata: { labels: { app: cart } } } }
- apiVersion: batch/v1
  kind: Job
  metadata: { name: migrate, namespace: shop }
  spec: { completions: 1, parallelism: 1, suspend: false, template: {} }
  status: { conditions: [{ status: "True", type: Complete }], succeeded: 1 }
- apiVersion: v1
  kind: Service
  metadata: { name: cart, namespace: shop }
  spec:
    clusterIP: 10.96.12.34
    clusterIPs: [10.96.12.34]
    ipFamilies: [IPv4]
    ipFamilyPolicy: SingleStack
    ports: [{ nodePort: 31234, port: 80, protocol: TCP, targetPort: http }]
    selector: { app: cart }
    type: NodePort
- apiVersion: v1
  kind: Service
  metadata: { name: kubernetes, namespace: default }
  spec:
    clusterIP: 10.96.0.1
    ports: [{ name: https, port: 443, protocol: TCP, targetPort: 6443 }]
    type: ClusterIP
- apiVersion: v1
  kind: Endpoints
  metadata: { name: kubernetes, namespace: default }
  subsets: [{ addresses: [{ ip: 172.18.0.2 }], ports: [{ name: https, port: 6443, protocol: TCP }] }]
- apiVersion: v1
  kind: Secret
  metadata: { name: token, namespace: shop }
  data: { token: c2VjcmV0 }
- apiVersion: networking.k8s.io/v1
  kind: NetworkPolicy
  metadata:
    annotations:
      kubectl.kubernetes.io/last-applied-configuration: |
        {"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy"}
    creationTimestamp: "2024-05-01T10:00:00Z"
    generation: 1
    name: cart
    namespace: shop
    resourceVersion: "812"
    uid: 5c1f3a52-0000-4000-8000-000000000000
  spec:
    ingress: [{ ports: [{ port: 8080, protocol: TCP }] }]
    podSelector: { matchLabels: { app: cart } }
    policyTypes: [Ingress]
  status: {}
`;

test('a running cluster is taken as it is: its pods, their addresses and their owners', () => {
  const { objects, skipped, diagnostics } = parseManifests(dump, 'dump.yaml');
  const cluster = assembleCluster(objects, { families: [4], nodes: 2 });
  expect(diagnostics).toEqual([]);
  expect([...skipped]).toEqual([['v1/Secret', 1]]);
  expect([...cluster.nodes.keys()]).toEqual(['kind-control-plane']);
  expect(
    [...cluster.pods.values()].map(({ key, owner, addresses }) => [
      key,
      owner?.kind,
      addresses.map(({ text }) => text),
    ]),
  ).toEqual([
    ['kube-system/etcd-kind-control-plane', undefined, ['172.18.0.2']],
    ['shop/cart-7d9f8c6b5-x2x4z', 'Deployment', ['10.244.0.5']],
    ['shop/migrate-9k2lp', 'Job', []],
  ]);
  expect(
    cluster.endpoints.map(({ service, port, backends }) => [
      service,
      port.nodePort,
      backends.map(({ address, port: number, pod }) => [address.text, number, pod]),
    ]),
  ).toEqual([
    ['default/kubernetes', undefined, [['172.18.0.2', 6443, undefined]]],
    ['shop/cart', 31234, [['10.244.0.5', 8080, 'shop/cart-7d9f8c6b5-x2x4z']]],
  ]);
  expect([...cluster.networkPolicies.keys()]).toEqual(['shop/cart']);
  const line = dump.split('\n').findIndex((text) => text.startsWith('    ingress:')) + 1;
  expect(cluster.networkPolicies.get('shop/cart')?.ingress[0]?.position).toMatchObject({ line });
});

/**
 * Kubernetes objects as Bulkhead needs them: decoded, defaulted and validated, with the source position kept, and
 * immutable. Field names are Kubernetes' own. Upstream: k8s.io/api core/v1, networking/v1.
 */
import type { Position } from '../errors.ts';
import type { Address, Cidr, IpFamily } from './ip.ts';

export type Labels = Readonly<Record<string, string>>;

/** The transport protocols that a NetworkPolicy or a Service can name. */
export type Protocol = 'TCP' | 'UDP' | 'SCTP';

export interface LabelSelectorRequirement {
  readonly key: string;
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  readonly values: readonly string[];
}

/** `matchLabels` and `matchExpressions`, all ANDed; both empty selects everything. */
export interface LabelSelector {
  readonly matchLabels: Labels;
  readonly matchExpressions: readonly LabelSelectorRequirement[];
}

export interface Namespace {
  readonly name: string;
  /** Always holds `kubernetes.io/metadata.name`. */
  readonly labels: Labels;
  /** Absent when no manifest declares the namespace and it exists only because an object is in it. */
  readonly position?: Position;
}

export interface ContainerPort {
  readonly name?: string;
  readonly containerPort: number;
  readonly protocol: Protocol;
}

export interface Pod {
  /** `namespace/name`, the key in `Cluster.pods`. */
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  /**
   * As the container runtime has it: that of the object, or of a static pod the hash of its file. Only of pods of an API
   * server, and only of those that can be read.
   */
  readonly uid?: string;
  readonly labels: Labels;
  /** Name of the node it runs on; always known after assembly. */
  readonly node: string;
  /**
   * At most one per family. Empty for terminal pods (Succeeded, Failed). A hostNetwork pod has its node's addresses
   * and is never a subject nor a pod peer.
   */
  readonly addresses: readonly Address[];
  readonly hostNetwork: boolean;
  readonly phase: 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Unknown';
  /** It is being deleted, and has its addresses until it has ended. Only of pods of an API server. */
  readonly isEnding?: true;
  readonly ports: readonly ContainerPort[];
  /** The workload whose controller would make this pod, e.g. Deployment shop/cart. */
  readonly owner?: { readonly kind: string; readonly name: string };
  readonly position: Position;
}

export interface ServicePort {
  readonly name?: string;
  readonly protocol: Protocol;
  readonly port: number;
  /** Number, or the name of a container port of each backend. */
  readonly targetPort: number | string;
  readonly nodePort?: number;
}

export interface Service {
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly type: 'ClusterIP' | 'NodePort' | 'LoadBalancer' | 'ExternalName';
  /** Empty for headless (`clusterIP: None`) and ExternalName. */
  readonly clusterIPs: readonly Address[];
  readonly headless: boolean;
  /** Absent: endpoints are made by hand (Endpoints or EndpointSlice). */
  readonly selector?: Labels;
  readonly ports: readonly ServicePort[];
  readonly externalName?: string;
  readonly position: Position;
}

/** One address and port behind a Service port, after target ports and names are resolved. */
export interface Backend {
  readonly address: Address;
  readonly port: number;
  /** `namespace/name` of the pod, when the address is a pod's. */
  readonly pod?: string;
}

/** Resolved backends of one Service port. */
export interface ServiceEndpoints {
  readonly service: string;
  readonly port: ServicePort;
  readonly backends: readonly Backend[];
}

export interface Node {
  readonly name: string;
  /** Only of nodes of an API server: another one by the same name has another. */
  readonly uid?: string;
  readonly labels: Labels;
  readonly addresses: readonly Address[];
  readonly podCIDRs: readonly Cidr[];
  /** Absent for nodes that the simulation adds. */
  readonly position?: Position;
}

export interface IPBlock {
  readonly cidr: Cidr;
  readonly except: readonly Cidr[];
  readonly position: Position;
}

/**
 * Absent selector ≠ empty selector. podSelector alone: pods of the policy's own namespace. namespaceSelector alone:
 * all pods of those namespaces. Both: those pods in those namespaces.
 */
export interface NetworkPolicyPeer {
  readonly podSelector?: LabelSelector;
  readonly namespaceSelector?: LabelSelector;
  readonly ipBlock?: IPBlock;
  readonly position: Position;
}

export interface NetworkPolicyPort {
  /** Defaulted to TCP. */
  readonly protocol: Protocol;
  /** Absent: every port of the protocol. */
  readonly port?: number | string;
  readonly endPort?: number;
  readonly position: Position;
}

export interface NetworkPolicyRule {
  /** Empty or absent in the manifest → empty here → any peer. */
  readonly peers: readonly NetworkPolicyPeer[];
  /** Empty or absent in the manifest → empty here → any port of any protocol. */
  readonly ports: readonly NetworkPolicyPort[];
  readonly position: Position;
}

export interface NetworkPolicy {
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly apiVersion: 'networking.k8s.io/v1' | 'extensions/v1beta1';
  readonly podSelector: LabelSelector;
  /** Defaulted: Ingress, and Egress if there are egress rules. */
  readonly policyTypes: readonly ('Ingress' | 'Egress')[];
  readonly ingress: readonly NetworkPolicyRule[];
  readonly egress: readonly NetworkPolicyRule[];
  readonly position: Position;
}

/**
 * A whole cluster at one moment: what a source delivers and what everything downstream reads. Maps are keyed by
 * `namespace/name` (nodes and namespaces by name) and iterate in a stable order. Pods are already those that
 * controllers would make; addresses, nodes and cluster IPs are assigned where the manifests leave them open.
 */
export interface Cluster {
  readonly namespaces: ReadonlyMap<string, Namespace>;
  readonly nodes: ReadonlyMap<string, Node>;
  readonly pods: ReadonlyMap<string, Pod>;
  readonly services: ReadonlyMap<string, Service>;
  readonly endpoints: readonly ServiceEndpoints[];
  readonly networkPolicies: ReadonlyMap<string, NetworkPolicy>;
  readonly families: readonly IpFamily[];
}

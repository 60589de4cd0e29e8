/** The namespace, the agent's account, and what it may ask of the API server: docs/install.md says what each right is for. */
import { clusterMetadata, labels, metadata, name, namespace } from './names.ts';
import { requiredRights } from '../../src/agent/required-rights.ts';
import type { Template } from './template.ts';
import { valueAt } from './values.ts';

/** The agent uses the node's network and its directories, which only privileged namespaces allow. */
export const podSecurityLabels = { 'pod-security.kubernetes.io/enforce': 'privileged' };

export const namespaceTemplate: Template = {
  name: 'namespace',
  condition: valueAt('namespace.create'),
  node: {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: namespace, labels: { ...labels, ...podSecurityLabels } },
  },
};

export const serviceAccountTemplate: Template = {
  name: 'service-account',
  node: { apiVersion: 'v1', kind: 'ServiceAccount', metadata, automountServiceAccountToken: false },
};

export const clusterRoleTemplate: Template = {
  name: 'cluster-role',
  node: {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: clusterMetadata,
    rules: requiredRights.map((right) => ({ ...right })),
  },
};

export const clusterRoleBindingTemplate: Template = {
  name: 'cluster-role-binding',
  node: {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: clusterMetadata,
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
    subjects: [{ kind: 'ServiceAccount', name, namespace }],
  },
};

/** Exactly what the agent does at the API server: manifests grant it, and `bulkhead doctor` asks whether they did. */
export interface RequiredRight {
  readonly apiGroups: readonly [string];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

export const requiredRights: readonly RequiredRight[] = [
  { apiGroups: [''], resources: ['nodes'], verbs: ['get', 'list', 'watch'] },
  { apiGroups: [''], resources: ['pods', 'namespaces'], verbs: ['list', 'watch'] },
  { apiGroups: ['networking.k8s.io'], resources: ['networkpolicies'], verbs: ['list', 'watch'] },
  // Server-side apply asks for both where the object is new.
  { apiGroups: ['bulkhead.io'], resources: ['nodepolicystatuses'], verbs: ['create', 'patch'] },
  // One that is still true counts up.
  { apiGroups: ['events.k8s.io'], resources: ['events'], verbs: ['create', 'patch'] },
];

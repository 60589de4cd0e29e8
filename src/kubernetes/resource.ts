/** Resources of the API and their paths. */
export interface Resource {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
}

export const pods: Resource = { group: '', version: 'v1', plural: 'pods' };
export const namespaces: Resource = { group: '', version: 'v1', plural: 'namespaces' };
export const nodes: Resource = { group: '', version: 'v1', plural: 'nodes' };
export const services: Resource = { group: '', version: 'v1', plural: 'services' };
export const endpointSlices: Resource = {
  group: 'discovery.k8s.io',
  version: 'v1',
  plural: 'endpointslices',
};
export const networkPolicies: Resource = {
  group: 'networking.k8s.io',
  version: 'v1',
  plural: 'networkpolicies',
};

/** Which objects: all of a resource, those of a namespace, or one. */
export interface Place {
  readonly namespace?: string;
  readonly name?: string;
  readonly subresource?: string;
}

export function resourcePath({ group, version, plural }: Resource, place: Place = {}): string {
  const { namespace, name, subresource } = place;
  const parts = [
    ...(group === '' ? ['api', version] : ['apis', group, version]),
    ...(namespace === undefined ? [] : ['namespaces', namespace]),
    plural,
    ...(name === undefined ? [] : [name]),
    ...(subresource === undefined ? [] : subresource.split('/')),
  ];
  return `/${parts.map(encodeURIComponent).join('/')}`;
}

/** For people: `pods in namespace shop`, `pods shop/cart`, `networkpolicies.networking.k8s.io`. */
export function describePlace({ group, plural }: Resource, place: Place = {}): string {
  const { namespace, name, subresource } = place;
  const type = `${plural}${subresource === undefined ? '' : `/${subresource}`}${group === '' ? '' : `.${group}`}`;
  if (name !== undefined) return `${type} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
  return namespace === undefined ? type : `${type} in namespace ${namespace}`;
}

/** How people name objects on a command line: `netpol/cart`, `Deployment/shop/cart`. */
import { BulkheadError, failure } from '../errors.ts';
import { workloadKinds } from '../objects/workload.ts';
import { closest } from '../objects/suggest.ts';

/** kubectl's short names; every kind is also known by its name and plural in lower case. */
const shortNames: Readonly<Record<string, string>> = {
  netpol: 'NetworkPolicy',
  ns: 'Namespace',
  po: 'Pod',
  svc: 'Service',
  no: 'Node',
  ep: 'Endpoints',
  deploy: 'Deployment',
  rs: 'ReplicaSet',
  sts: 'StatefulSet',
  ds: 'DaemonSet',
  cj: 'CronJob',
  rc: 'ReplicationController',
  networkpolicies: 'NetworkPolicy',
  endpoints: 'Endpoints',
};

const kinds = [
  'NetworkPolicy',
  'Namespace',
  'Pod',
  'Service',
  'Node',
  'Endpoints',
  'EndpointSlice',
  ...workloadKinds,
];

const clusterScoped: ReadonlySet<string> = new Set(['Namespace', 'Node']);

/**
 * The key `Kind/namespace/name` of `kind/name` or `kind/namespace/name`. Throws BulkheadError LAB_OBJECT_NAME.
 * @param namespace of objects that are named without one
 */
export function resolveKey(text: string, namespace: string): string {
  const [kindName = '', ...names] = text.split('/');
  const kind = kindOf(kindName);
  const wellFormed = names.every((name) => name !== '') && names.length >= 1 && names.length <= 2;
  if (!kind || !wellFormed) throw badName(text, kind ? undefined : kindName);
  const name = names.at(-1) ?? '';
  if (clusterScoped.has(kind)) return `${kind}//${name}`;
  return `${kind}/${names.length === 2 ? names[0] : namespace}/${name}`;
}

function kindOf(name: string): string | undefined {
  const lower = name.toLowerCase();
  return (
    shortNames[lower] ?? kinds.find((kind) => [kind, `${kind}s`].some((form) => form.toLowerCase() === lower))
  );
}

function badName(text: string, unknownKind: string | undefined): BulkheadError {
  const near =
    unknownKind === undefined ? undefined : closest(unknownKind, [...kinds, ...Object.keys(shortNames)]);
  return new BulkheadError(
    failure(
      'LAB_OBJECT_NAME',
      unknownKind === undefined ? `"${text}" does not name an object` : `there is no kind "${unknownKind}"`,
      {
        hint: near
          ? `Did you mean ${near}?`
          : 'Write kind/name or kind/namespace/name, such as netpol/shop/cart.',
      },
    ),
  );
}

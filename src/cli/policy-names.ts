/** Policies as people name them to kubectl: `policy/deny`, `netpol/shop/deny`, `networkpolicy.networking.k8s.io/deny`. */
import { BulkheadError, failure } from '../errors.ts';
import type { PolicyName } from '../operate/wait-for-policies.ts';

const types = new Set([
  'policy',
  'policies',
  'netpol',
  'networkpolicy',
  'networkpolicies',
  'networkpolicy.networking.k8s.io',
  'networkpolicies.networking.k8s.io',
]);

/**
 * Other types, as `kubectl apply -o name` writes them, and kubectl's short names. To take one for a namespace would be
 * to wait for what nobody meant. Those of API groups have a dot, which no namespace has.
 */
const otherTypes = new Set(
  (
    'pod po service svc namespace ns node no configmap cm secret serviceaccount sa endpoints ep event ev ' +
    'persistentvolume pv persistentvolumeclaim pvc replicationcontroller rc limitrange resourcequota quota ' +
    'deployment deploy replicaset rs statefulset sts daemonset ds job cronjob cj ingress ing'
  ).split(' '),
);

function isOtherType(word: string): boolean {
  const lower = word.toLowerCase();
  return word.includes('.') || otherTypes.has(lower) || otherTypes.has(lower.replace(/s$/, ''));
}

/** Each once. `namespace`: of those that are named without one. @throws BulkheadError CLI_INVALID_VALUE */
export function parsePolicyNames(texts: readonly string[], namespace: string): readonly PolicyName[] {
  const names = texts.map((text) => parse(text, namespace));
  return [...new Map(names.map((name) => [`${name.namespace}/${name.name}`, name])).values()];
}

function parse(text: string, namespace: string): PolicyName {
  const parts = text.split('/');
  const [first = ''] = parts;
  // With one slash the first part may be a namespace.
  const named = types.has(first.toLowerCase()) && parts.length > 1 ? parts.slice(1) : parts;
  const [last = '', place = namespace] = named.toReversed();
  if (parts.length === 2 && named === parts && isOtherType(first)) throw cannotWait(text, first);
  const isKnown = named.length <= 2 && !(parts.length === 3 && named === parts);
  if (isKnown && last !== '' && place !== '') return { namespace: place, name: last };
  throw new BulkheadError(
    failure('CLI_INVALID_VALUE', `${JSON.stringify(text)} names no policy`, {
      hint: 'Write policy/NAME, policy/NAMESPACE/NAME or NAMESPACE/NAME.',
    }),
  );
}

function cannotWait(text: string, type: string): BulkheadError {
  return new BulkheadError(
    failure('CLI_INVALID_VALUE', `${JSON.stringify(text)} is no policy: ${type} can't be waited for`, {
      hint: 'Only a NetworkPolicy can: write policy/NAME or policy/NAMESPACE/NAME.',
    }),
  );
}

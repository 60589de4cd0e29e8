import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { BulkheadError } from '../../src/errors.ts';
import { assembleCluster } from '../../src/sources/assemble.ts';
import { parseManifests } from '../../src/sources/manifests.ts';
import { pod, stream, workload } from './assembled.ts';

const text = stream(
  pod('a', { metadata: ', labels: { app: cart }', status: '{ phase: Running, podIP: 10.1.0.5 }' }),
  workload({
    kind: 'StatefulSet',
    spec: 'replicas: 2, ',
    pod: '{ containers: [{ ports: [{ containerPort: 80 }] }] }',
  }),
  'apiVersion: v1\nkind: Service\nmetadata: { name: cart }\nspec: { selector: { app: cart }, ports: [{ port: 80 }] }',
  `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: p, labels: &labels { app: cart } }
spec:
  podSelector: { matchLabels: *labels, matchExpressions: [{ key: app, operator: In, values: [cart] }] }
  ingress:
    - from:
        - podSelector: { matchLabels: { <<: *labels } }
        - ipBlock: { cidr: 10.0.0.0/8, except: [10.1.0.0/16] }
      ports: [{ port: 80, endPort: 90 }, { port: http, protocol: UDP }]`,
);

/** A few pieces of the text replaced by something that means something to YAML, or by nothing. */
const pieces = [
  '',
  ' ',
  '\n',
  '\t',
  ':',
  ': ',
  '- ',
  '? ',
  '{',
  '}',
  '[',
  ']',
  '"',
  "'",
  '#',
  '&x ',
  '*labels',
  '!!str ',
].concat([
  '|',
  '>-',
  '%',
  '@',
  '---\n',
  '...\n',
  '~',
  '0',
  '-1',
  '1e999',
  'yes',
  'null',
  '<<: ',
  ', ',
  '\r',
  '\u00a0',
  'é',
]);
const edit = fc.tuple(fc.nat(text.length), fc.nat(12), fc.constantFrom(...pieces));
const mutated = fc
  .array(edit, { minLength: 1, maxLength: 4 })
  .map((edits) =>
    edits.reduce((now, [at, length, piece]) => now.slice(0, at) + piece + now.slice(at + length), text),
  );

test('whatever is done to a manifest, the answer is a cluster or errors with a code, a place and a hint', () => {
  let [accepted, refused] = [0, 0];
  fc.assert(
    fc.property(mutated, (candidate) => {
      try {
        const { objects } = parseManifests(candidate, 'test.yaml');
        assembleCluster(objects, { families: [4, 6], nodes: 2 });
        accepted += 1;
      } catch (error) {
        if (!(error instanceof BulkheadError)) throw error;
        refused += 1;
        const bad = error.diagnostics.filter(
          ({ hint, message }) => !hint || !message || message.includes('undefined'),
        );
        expect(bad).toEqual([]);
      }
    }),
    { numRuns: 500 },
  );
  expect(Math.min(accepted, refused)).toBeGreaterThan(0);
});

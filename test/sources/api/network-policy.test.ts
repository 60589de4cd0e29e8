/** Policies of the API and of manifests: one decoder, one meaning. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Position } from '../../../src/errors.ts';
import { readCorpus } from '../../../src/conformance/corpus.ts';
import { policyManifest } from '../../../src/conformance/manifests.ts';
import { fillIn } from '../../../src/conformance/placeholders.ts';
import { World } from '../../../src/conformance/world.ts';
import type { RawObject } from '../../../src/kubernetes/client.ts';
import { decodeApiPolicy } from '../../../src/sources/api/network-policy.ts';
import { policyDocument } from '../../../src/sources/api/policy-document.ts';
import { parseManifests } from '../../../src/sources/manifests.ts';

const apiVersion = 'networking.k8s.io/v1';

/** As the API server stores it and gives it out in lists. */
function stored(spec: unknown, more: Readonly<Record<string, unknown>> = {}): RawObject {
  const metadata = {
    namespace: 'shop',
    name: 'one',
    uid: 'u-1',
    resourceVersion: '7',
    generation: 3,
    creationTimestamp: '2026-11-27T06:00:00Z',
    managedFields: [{ manager: 'kubectl', fieldsV1: { 'f:spec': {} } }],
  };
  return { metadata: { ...metadata, ...(more['metadata'] as object) }, spec };
}

/** Every policy of the corpus, as it stands in its first cluster. */
function corpusPolicies(): { id: string; manifest: Readonly<Record<string, unknown>> }[] {
  const { cases, models } = readCorpus();
  return cases.flatMap((one) => {
    let world = World.before(one, models, one.stacks[0] ?? 'ipv4');
    return one.steps.flatMap((step) =>
      step.changes.flatMap((change) => {
        const before = world;
        world = world.apply(change);
        if (change.kind !== 'policy' || change.verb === 'delete') return [];
        const spec = fillIn(change.body.spec, (name) => before.primaryAddress(name), one.id);
        const body = { ...change.body, spec: spec as typeof change.body.spec };
        return [{ id: one.id, manifest: policyManifest(change.name, body) as Record<string, unknown> }];
      }),
    );
  });
}

/** Equal but for where things stand. */
function withoutPlaces(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutPlaces);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([key]) => key !== 'position');
  return Object.fromEntries(entries.map(([key, inner]) => [key, withoutPlaces(inner)]));
}

function positionsIn(value: unknown): Position[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === 'position' ? [inner as Position] : positionsIn(inner),
  );
}

describe('the conformance corpus', () => {
  const policies = corpusPolicies();

  test('has policies by the hundred', () => {
    expect(policies.length).toBeGreaterThan(300);
  });

  test('means the same from the API as from manifests, and lines are those of its text', () => {
    for (const { id, manifest } of policies) {
      const [object] = parseManifests(JSON.stringify(manifest), 'manifest').objects.values();
      const expected = object?.kind === 'NetworkPolicy' ? object.policy : undefined;
      // The API server has made networking.k8s.io/v1 of whatever was written.
      const { apiVersion: _, kind: __, ...raw } = manifest;
      const { policy } = decodeApiPolicy(raw);
      expect({ id, refused: policy.refused }).toEqual({ id, refused: undefined });
      const decoded = 'policy' in policy ? policy.policy : undefined;
      expect({ id, policy: withoutPlaces({ ...decoded, apiVersion }) }).toEqual({
        id,
        policy: withoutPlaces({ ...expected, apiVersion }),
      });

      const file = `networkpolicies/${policy.key}`;
      const [again] = parseManifests(policyDocument(raw, apiVersion).text, file).objects.values();
      const placed = again?.kind === 'NetworkPolicy' ? again.policy : undefined;
      expect({ id, places: positionsIn(decoded) }).toEqual({ id, places: positionsIn(placed) });
    }
  });
});

describe('a policy of the API', () => {
  test('says which state of which object it is', () => {
    const { policy, problems } = decodeApiPolicy(stored({ podSelector: {} }));
    expect(policy).toMatchObject({ key: 'shop/one', uid: 'u-1', resourceVersion: '7', generation: 3 });
    expect(problems).toEqual([]);
  });

  test('points to the lines of `kubectl get networkpolicy one -n shop -o yaml`', () => {
    const raw = stored({ podSelector: {}, ingress: [{ from: [{ podSelector: {} }] }] });
    const { policy } = decodeApiPolicy(raw);
    const rule = 'policy' in policy ? policy.policy?.ingress[0] : undefined;
    const lines = policyDocument(raw, apiVersion).text.split('\n');
    expect(rule?.position.file).toBe('networkpolicies/shop/one');
    expect(lines[(rule?.position.line ?? 0) - 1]).toBe('  - from:');
    expect(lines[(rule?.peers[0]?.position.line ?? 0) - 1]).toBe('    - podSelector: {}');
    expect(lines.join('\n')).not.toContain('managedFields');
  });

  test('of a newer API is refused, with the pods that it is about', () => {
    const selector = { matchLabels: { app: 'cart' } };
    const { policy } = decodeApiPolicy(stored({ podSelector: selector, ingress: [{ fromFuture: [] }] }));
    expect(policy).toMatchObject({ key: 'shop/one', podSelector: { matchLabels: { app: 'cart' } } });
    expect(policy.refused?.[0]).toMatchObject({
      code: 'POLICY_UNKNOWN_FIELD',
      field: 'spec.ingress[0].fromFuture',
      position: { file: 'networkpolicies/shop/one' },
    });
  });

  test.each([
    ['operator', { matchExpressions: [{ key: 'a', operator: 'Newer', values: [] }] }],
    ['field', { matchLabels: {}, matchFuture: {} }],
    ['type', { matchLabels: { a: 1 } }],
    ['type of the whole', 'all'],
  ])('whose selector has an unknown %s is about nobody in particular', (_, podSelector) => {
    const { policy } = decodeApiPolicy(stored({ podSelector }));
    expect(policy.refused?.length).toBeGreaterThan(0);
    expect('podSelector' in policy).toBe(false);
  });

  test('that is odd but clear is taken, and its oddity told', () => {
    const { policy, problems } = decodeApiPolicy(stored({ podSelector: {}, ingress: [{ from: [] }] }));
    expect(policy.refused).toBeUndefined();
    expect(problems.map(({ code }) => code)).toEqual(['POLICY_EMPTY_LIST']);
  });

  test('whatever it holds is taken or refused, never thrown', () => {
    const anything = fc.anything({ withNullPrototype: false, maxDepth: 3 }).map(throughJson);
    const spec = fc.record(
      { podSelector: anything, policyTypes: anything, ingress: fc.array(anything), egress: anything },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.oneof(spec, anything), anything, (one, metadata) => {
        const raw = { ...stored(one), ...(metadata === undefined ? {} : { metadata }) };
        const { policy, problems } = decodeApiPolicy(raw);
        if (!policy.refused) return;
        expect(problems.some(({ severity }) => severity === 'error')).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  test('nested as deep as an attacker likes is refused', () => {
    let deep: unknown = 'x';
    for (let level = 0; level < 20_000; level += 1) deep = [deep];
    expect(decodeApiPolicy(stored({ podSelector: {}, ingress: deep })).policy.refused).toBeDefined();
  });
});

function throughJson(value: unknown): unknown {
  const text = JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'bigint' ? String(inner) : inner,
  );
  return text === undefined ? undefined : (JSON.parse(text) as unknown);
}

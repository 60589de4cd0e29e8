import { beforeEach, describe, expect, test } from 'vitest';
import { Claims } from '../../../src/agent/gate/claims.ts';
import type { Claim, PodChanges } from '../../../src/agent/gate/claims.ts';
import { parseAddress } from '../../../src/objects/ip.ts';
import type { Address } from '../../../src/objects/ip.ts';
import type { Pod } from '../../../src/objects/model.ts';

const kept = new Map<string, Claim>();
const store = {
  put: (claim: Claim) => void kept.set(claim.container, claim),
  remove: (container: string) => void kept.delete(container),
};

function addresses(...texts: readonly string[]): readonly Address[] {
  return texts.flatMap((text) => parseAddress(text) ?? []);
}

function pod(name: string, uid: string, held: readonly string[] = [], change: Partial<Pod> = {}): Pod {
  return {
    key: `shop/${name}`,
    namespace: 'shop',
    name,
    uid,
    labels: {},
    node: 'n1',
    addresses: addresses(...held),
    hostNetwork: false,
    phase: 'Pending',
    ports: [],
    position: { file: `pods/shop/${name}`, line: 1, column: 1 },
    ...change,
  };
}

const claimOf = (name: string, uid: string, container: string, ...held: readonly string[]) => ({
  pod: `shop/${name}`,
  uid,
  container,
  addresses: addresses(...held),
});

function told(claims: Claims, ...pods: readonly Pod[]): Record<string, readonly string[] | undefined> {
  return textsOf(claims.told(new Map(pods.map((one) => [one.key, one])), false));
}

function textsOf(changes: PodChanges): Record<string, readonly string[] | undefined> {
  return Object.fromEntries(
    [...changes].map(([key, one]) => [key, one?.addresses.map(({ text }) => text)] as const),
  );
}

describe('addresses by the word of the gate', () => {
  let claims: Claims;

  beforeEach(() => {
    kept.clear();
    claims = new Claims('n1', store);
  });

  test('count before the API server knows them, in whatever else changes', () => {
    told(claims, pod('a', '1'));
    expect(textsOf(claims.claim(claimOf('a', '1', 'c1', '10.0.0.5', 'fd00::5')))).toEqual({
      'shop/a': ['10.0.0.5', 'fd00::5'],
    });
    expect(told(claims, pod('a', '1', [], { labels: { now: 'other' } }))).toEqual({
      'shop/a': ['10.0.0.5', 'fd00::5'],
    });
    expect(claims.holds(claimOf('a', '1', 'c1', '10.0.0.5'))).toBe(true);
    expect(claims.holds(claimOf('a', '1', 'c1', '10.0.0.6'))).toBe(false);
  });

  test('are of no pod that the API server has not told of, nor of another with its name', () => {
    expect(claims.knows({ pod: 'shop/a', uid: '1' })).toBe(false);
    told(claims, pod('a', '2'));
    expect(claims.knows({ pod: 'shop/a', uid: '1' })).toBe(false);
    expect(claims.knows({ pod: 'shop/a', uid: '2' })).toBe(true);
    told(claims, pod('b', '3', [], { node: 'n2' }));
    expect(claims.knows({ pod: 'shop/b', uid: '3' })).toBe(false);
  });

  test('give way to the API server once it says something else, and then for good', () => {
    told(claims, pod('a', '1'));
    claims.claim(claimOf('a', '1', 'c1', '10.0.0.5'));
    expect(told(claims, pod('a', '1', ['10.0.0.6']))).toEqual({ 'shop/a': ['10.0.0.6'] });
    expect(kept.size).toBe(0);
    expect(told(claims, pod('a', '1', []))).toEqual({ 'shop/a': [] });
  });

  test('of a sandbox made anew count while the API server still says those of the one before', () => {
    told(claims, pod('a', '1', ['10.0.0.5']));
    claims.claim(claimOf('a', '1', 'c2', '10.0.0.6'));
    expect(told(claims, pod('a', '1', ['10.0.0.5']))).toEqual({ 'shop/a': ['10.0.0.6'] });
    expect(told(claims, pod('a', '1', ['10.0.0.6']))).toEqual({ 'shop/a': ['10.0.0.6'] });
    // Known by now: what it says from here on is news.
    expect(told(claims, pod('a', '1', ['10.0.0.5']))).toEqual({ 'shop/a': ['10.0.0.5'] });
  });

  test('are taken from the pod that had them before, whatever its status says until it is gone', () => {
    told(claims, pod('old', '1', ['10.0.0.5']), pod('new', '2'));
    expect(textsOf(claims.claim(claimOf('new', '2', 'c2', '10.0.0.5')))).toEqual({
      'shop/new': ['10.0.0.5'],
      'shop/old': [],
    });
    expect(told(claims, pod('old', '1', ['10.0.0.5'], { labels: { still: 'here' } }))).toEqual({
      'shop/old': [],
    });
    expect(told(claims, pod('new', '2', ['10.0.0.5']))).toEqual({ 'shop/new': ['10.0.0.5'] });
    expect(told(claims, pod('old', '1', ['10.0.0.5']))).toEqual({ 'shop/old': [] });
  });

  test('are taken from a pod that has them by the gate alone, too', () => {
    told(claims, pod('old', '1'), pod('new', '2'));
    claims.claim(claimOf('old', '1', 'c1', '10.0.0.5'));
    expect(textsOf(claims.claim(claimOf('new', '2', 'c2', '10.0.0.5')))).toEqual({
      'shop/new': ['10.0.0.5'],
      'shop/old': [],
    });
    expect([...kept.keys()]).toEqual(['c2']);
  });

  test('end with their sandbox, but not with the one before it', () => {
    told(claims, pod('a', '1'));
    claims.claim(claimOf('a', '1', 'c1', '10.0.0.5'));
    claims.claim(claimOf('a', '1', 'c2', '10.0.0.6'));
    expect([...kept.keys()]).toEqual(['c2']);
    expect(textsOf(claims.release((container) => container === 'c1'))).toEqual({});
    expect(textsOf(claims.release((container) => container === 'c2'))).toEqual({ 'shop/a': [] });
    expect(kept.size).toBe(0);
  });

  test('end with the pod, and with the one whose name another has taken', () => {
    told(claims, pod('a', '1'), pod('b', '2'));
    claims.claim(claimOf('a', '1', 'c1', '10.0.0.5'));
    claims.claim(claimOf('b', '2', 'c2', '10.0.0.6'));
    expect(textsOf(claims.told(new Map([['shop/a', undefined]]), false))).toEqual({ 'shop/a': undefined });
    expect(told(claims, pod('b', '3'))).toEqual({ 'shop/b': [] });
    expect(kept.size).toBe(0);
  });

  test('are of no pod that has come to its end', () => {
    told(claims, pod('a', '1'));
    claims.claim(claimOf('a', '1', 'c1', '10.0.0.5'));
    expect(told(claims, pod('a', '1', [], { phase: 'Succeeded' }))).toEqual({ 'shop/a': [] });
  });

  test('of two pods with one uid, as anyone may write for a static pod, are the named pod’s alone', () => {
    told(claims, pod('victim', '1'), pod('forged', '1', ['10.0.0.9']));
    claims.claim(claimOf('victim', '1', 'c1', '10.0.0.5'));
    expect(told(claims, pod('forged', '1', ['10.0.0.8']))).toEqual({ 'shop/forged': ['10.0.0.8'] });
    expect(told(claims, pod('victim', '1'))).toEqual({ 'shop/victim': ['10.0.0.5'] });
  });

  test('outlive the agent; those of pods that went meanwhile do not', () => {
    told(claims, pod('a', '1', ['10.0.0.4']), pod('b', '2'));
    claims.claim(claimOf('a', '1', 'c1', '10.0.0.5'));
    claims.claim(claimOf('b', '2', 'c2', '10.0.0.6'));
    const next = new Claims('n1', store, [...kept.values()]);
    const pods = new Map([['shop/a', pod('a', '1', ['10.0.0.4'])]]);
    expect(textsOf(next.told(pods, true))).toEqual({ 'shop/a': ['10.0.0.5'] });
    expect([...kept.keys()]).toEqual(['c1']);
  });

  test('change nothing about pods of other nodes', () => {
    told(claims, pod('a', '1'), pod('far', '2', ['10.0.1.5'], { node: 'n2' }));
    claims.claim(claimOf('a', '1', 'c1', '10.0.1.5'));
    expect(told(claims, pod('far', '2', ['10.0.1.5'], { node: 'n2' }))).toEqual({ 'shop/far': ['10.0.1.5'] });
  });
});

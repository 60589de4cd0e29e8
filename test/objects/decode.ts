/** Decoding one manifest in a test. */
import { BulkheadError, type Diagnostic } from '../../src/errors.ts';
import type { ManifestObject } from '../../src/objects/manifest.ts';
import type { NetworkPolicy } from '../../src/objects/model.ts';
import { parseManifests, type ManifestOptions } from '../../src/sources/manifests.ts';

/** The only object in the text. */
export function decodeOne<Kind extends ManifestObject['kind']>(
  kind: Kind,
  text: string,
): Extract<ManifestObject, { kind: Kind }> {
  const [object, ...others] = parseManifests(text, 'test.yaml').objects.values();
  if (object?.kind !== kind || others.length > 0)
    throw new Error(`expected one ${kind}, got ${object?.kind}`);
  return object as Extract<ManifestObject, { kind: Kind }>;
}

/** A policy called `shop/p` with the given spec: YAML, indented by two blanks. */
export function policyText(spec: string): string {
  return `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: p, namespace: shop }
spec:
${spec}
`;
}

export function decodePolicy(spec: string): NetworkPolicy {
  return decodeOne('NetworkPolicy', policyText(spec)).policy;
}

/** What is wrong with the text, in order; empty when nothing is. */
export function errorsOf(text: string, options: ManifestOptions = {}): readonly Diagnostic[] {
  try {
    parseManifests(text, 'test.yaml', options);
    return [];
  } catch (error) {
    if (error instanceof BulkheadError) return error.diagnostics;
    throw error;
  }
}

/** `line:column CODE field: message` of each. */
export function brief(diagnostics: readonly Diagnostic[]): string[] {
  return diagnostics.map(({ position, code, field, message }) => {
    const where = position ? `${position.line}:${position.column} ` : '';
    return `${where}${code} ${field === undefined ? '' : `${field}: `}${message}`;
  });
}

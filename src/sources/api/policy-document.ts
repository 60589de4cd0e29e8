/**
 * A NetworkPolicy as `kubectl get networkpolicy NAME -o yaml` prints it, so that a line which an explanation names is
 * the one that a user sees.
 */
import type { RawObject } from '../../kubernetes/client.ts';
import { asFields } from '../../kubernetes/untyped.ts';
import { printAsKubectl, type KubectlYaml } from './kubectl-yaml.ts';

export function policyDocument(raw: RawObject, apiVersion: string): KubectlYaml {
  return objectDocument(raw, apiVersion, 'NetworkPolicy');
}

/** The same for an object of another kind. */
export function objectDocument(raw: RawObject, apiVersion: string, kind: string): KubectlYaml {
  const { metadata, ...rest } = raw;
  // Items of a list don't say what they are.
  return printAsKubectl({ ...rest, apiVersion, kind, metadata: withoutManagedFields(metadata) });
}

function withoutManagedFields(metadata: unknown): unknown {
  const fields = asFields(metadata);
  return fields
    ? Object.fromEntries(Object.entries(fields).filter(([key]) => key !== 'managedFields'))
    : metadata;
}

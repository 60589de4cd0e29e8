/**
 * A NetworkPolicy as `kubectl get networkpolicy NAME -o yaml` prints it, so that a line which an explanation names is
 * the one that a user sees. Upstream: k8s.io/cli-runtime/pkg/printers/yaml.go, sigs.k8s.io/yaml/goyaml.v2/emitterc.go.
 */
import { Document, isScalar, visit } from 'yaml';
import type { RawObject } from '../../kubernetes/client.ts';
import { resolvePlain } from '../../objects/scalar.ts';

export function policyText(raw: RawObject, apiVersion: string): string {
  const { metadata, ...rest } = raw;
  const document = new Document(
    { ...rest, apiVersion, kind: 'NetworkPolicy', metadata: withoutManagedFields(metadata) },
    { sortMapEntries: true, aliasDuplicateObjects: false },
  );
  visit(document, {
    Scalar(_, node) {
      // Text that would be read as something else without quotes.
      if (typeof node.value === 'string' && resolvePlain(node.value) !== node.value)
        node.type = 'QUOTE_DOUBLE';
    },
    Pair(_, pair) {
      if (
        isScalar(pair.key) &&
        typeof pair.key.value === 'string' &&
        resolvePlain(pair.key.value) !== pair.key.value
      )
        pair.key.type = 'QUOTE_DOUBLE';
    },
  });
  return document.toString({ indentSeq: false, lineWidth: 0, blockQuote: 'literal' });
}

function withoutManagedFields(metadata: unknown): unknown {
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) return metadata;
  return Object.fromEntries(Object.entries(metadata).filter(([key]) => key !== 'managedFields'));
}

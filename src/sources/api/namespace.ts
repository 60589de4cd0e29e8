/** Namespaces of an API server. */
import type { RawObject } from '../../kubernetes/client.ts';
import type { Namespace } from '../../objects/model.ts';
import { read, type Decoded } from './decoded.ts';

/** One whose labels can't be read is taken as not there: without labels it would satisfy selectors that exclude some. */
export function decodeNamespace(raw: RawObject): Decoded<Namespace> {
  const { metadata, name, file, problems } = read('namespaces', raw);
  const labels = { ...metadata?.textMap('labels'), 'kubernetes.io/metadata.name': name };
  if (problems.length > 0) return { object: undefined, problems };
  return { object: { name, labels, position: { file, line: 1, column: 1 } }, problems };
}

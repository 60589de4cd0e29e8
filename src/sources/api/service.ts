/** Services and EndpointSlices of an API server: few and small, so that the decoders of manifests do. */
import { failure, type Diagnostic } from '../../errors.ts';
import type { RawObject } from '../../kubernetes/client.ts';
import { Cursor } from '../../objects/cursor.ts';
import { decodeEndpointSlice, type EndpointsManifest } from '../../objects/endpoints.ts';
import type { Service } from '../../objects/model.ts';
import { decodeService } from '../../objects/service.ts';
import { read, type Decoded } from './decoded.ts';
import { objectDocument } from './policy-document.ts';

export function decodeApiService(raw: RawObject): Decoded<Service> {
  const { object, problems } = decodeBy(decodeService, raw, {
    apiVersion: 'v1',
    kind: 'Service',
    plural: 'services',
  });
  if (!object) return { object, problems };
  const { namespace, name, type, clusterIPs, headless, selector, ports, externalName, position } = object;
  const service = {
    key: `${namespace}/${name}`,
    namespace,
    name,
    type,
    clusterIPs,
    headless,
    ...(selector ? { selector } : {}),
    ports,
    ...(externalName === undefined ? {} : { externalName }),
    position,
  };
  return { object: service, problems };
}

export function decodeApiEndpointSlice(raw: RawObject): Decoded<EndpointsManifest> {
  const kind = { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', plural: 'endpointslices' };
  return decodeBy(decodeEndpointSlice, raw, kind);
}

interface Kind {
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
}

function decodeBy<T>(
  decode: (object: Cursor) => T,
  raw: RawObject,
  { apiVersion, kind, plural }: Kind,
): Decoded<T> {
  const { file } = read(plural, raw);
  const diagnostics: Diagnostic[] = [];
  try {
    const { root, lines } = objectDocument(raw, apiVersion, kind);
    const context = { file, lines, aliases: new Map(), diagnostics, unknownFields: 'warn' } as const;
    return { object: decode(new Cursor(context, root, { field: '', offset: 0 })), problems: diagnostics };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const position = { file, line: 1, column: 1 };
    const hint = 'Look at what is stored with kubectl, and correct or delete it.';
    const problem = failure('FIELD_INVALID', `the object cannot be read: ${reason}`, { hint, position });
    return { object: undefined, problems: [problem] };
  }
}

/** Lines of a watch → events. Upstream: k8s.io/apimachinery/pkg/apis/meta/v1/watch.go. */
import { ApiError, protocolError, type Action } from './api-error.ts';
import { parseObject, type RawObject } from './client.ts';
import { asFields, asText } from './untyped.ts';

/** What identifies an object and its state. */
export interface ObjectIdentity {
  /** `namespace/name`, or the name of what is in no namespace. */
  readonly key: string;
  readonly uid: string;
  readonly resourceVersion: string;
}

export type WatchEvent =
  | { readonly type: 'changed' | 'deleted'; readonly identity: ObjectIdentity; readonly object: RawObject }
  | { readonly type: 'bookmark'; readonly resourceVersion: string };

/** @throws ApiError for what the server reports in the stream; BulkheadError KUBERNETES_PROTOCOL */
export function parseWatchEvent(action: Action, line: string): WatchEvent {
  const event = parseObject(action, line);
  const object = asFields(event['object']);
  if (!object) throw protocolError(action, 'an event has no object');
  switch (event['type']) {
    case 'ADDED':
    case 'MODIFIED':
      return { type: 'changed', identity: identityOf(action, object), object };
    case 'DELETED':
      return { type: 'deleted', identity: identityOf(action, object), object };
    case 'BOOKMARK':
      return { type: 'bookmark', resourceVersion: versionOf(action, object) };
    case 'ERROR':
      throw new ApiError(action, { status: statusCode(object), body: object });
    default:
      throw protocolError(action, 'an event is of an unknown type');
  }
}

/** @throws BulkheadError KUBERNETES_PROTOCOL where metadata is not what every object has */
export function identityOf(action: Action, object: RawObject): ObjectIdentity {
  const metadata = asFields(object['metadata']);
  const [name, uid] = [asText(metadata?.['name']), asText(metadata?.['uid'])];
  if (!name || !uid) throw protocolError(action, 'an object has no name or no uid');
  const namespace = asText(metadata?.['namespace']);
  return { key: namespace ? `${namespace}/${name}` : name, uid, resourceVersion: versionOf(action, object) };
}

function versionOf(action: Action, object: RawObject): string {
  const version = asText(asFields(object['metadata'])?.['resourceVersion']);
  if (!version) throw protocolError(action, 'an object has no resource version');
  return version;
}

function statusCode(status: RawObject): number {
  return typeof status['code'] === 'number' ? status['code'] : 500;
}

/**
 * When a policy went that is gone. A list only says that it is not there; but a node's revision stays at the last change
 * of any policy, which may be that deletion. So what happened since a revision that all nodes have is looked through
 * once more.
 */
import { ApiError } from '../kubernetes/api-error.ts';
import type { KubernetesClient } from '../kubernetes/client.ts';
import { compareResourceVersions } from '../kubernetes/resource-version.ts';
import { describePlace, networkPolicies } from '../kubernetes/resource.ts';
import { parseWatchEvent } from '../kubernetes/watch-event.ts';
import { readWatch } from '../kubernetes/watch-stream.ts';
import type { PolicyName } from './wait-for-policies.ts';

/** A server sends a bookmark two seconds before the end. */
const timeoutSeconds = 3;

/**
 * The resource version of its deletion; `since` if it was gone by then. `gone`, at which it surely was, where the server
 * does not remember so much. Both are versions of lists or of objects; `since` is the older one.
 */
export async function deletionRevision(
  client: KubernetesClient,
  { namespace, name }: PolicyName,
  { since, gone, signal }: { readonly since: string; readonly gone: string; readonly signal: AbortSignal },
): Promise<string> {
  const action = `watch ${describePlace(networkPolicies, { namespace, name })}`;
  const ending = new AbortController();
  let deleted = since;
  let reached = false;
  try {
    const response = await client.watch(networkPolicies, {
      namespace,
      fieldSelector: `metadata.name=${name}`,
      resourceVersion: since,
      timeoutSeconds,
      signal: AbortSignal.any([signal, ending.signal]),
    });
    await readWatch(response, {
      action,
      silenceMs: timeoutSeconds * 2000,
      lines: (lines) => {
        for (const line of lines) {
          const event = parseWatchEvent(action, line);
          if (event.type === 'deleted') deleted = event.identity.resourceVersion;
          if (event.type === 'bookmark') reached ||= isAtLeast(event.resourceVersion, gone);
        }
        if (reached) ending.abort();
      },
    });
  } catch (error) {
    signal.throwIfAborted();
    if (!reached && !(error instanceof ApiError && error.isGone)) throw error;
  }
  return reached ? deleted : gone;
}

function isAtLeast(version: string, other: string): boolean {
  return (compareResourceVersions(version, other) ?? -1) >= 0;
}

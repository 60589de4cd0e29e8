/** NetworkPolicies of an API server, decoded as strictly as those of manifests, and by the same decoder. */
import { failure, type Diagnostic } from '../../errors.ts';
import type { RawObject } from '../../kubernetes/client.ts';
import { Cursor } from '../../objects/cursor.ts';
import { decodeLabelSelector } from '../../objects/labels.ts';
import type { LabelSelector, NetworkPolicy } from '../../objects/model.ts';
import { decodeNetworkPolicy } from '../../objects/network-policy.ts';
import { ObjectReader } from './object-reader.ts';
import { policyDocument } from './policy-document.ts';

/** Which state of which object this is. */
export interface PolicyRevision {
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  /** Grows with each change of the spec. */
  readonly generation: number;
}

export interface AcceptedPolicy extends PolicyRevision {
  readonly policy: NetworkPolicy;
  readonly refused?: undefined;
}

/** A policy that can't be enforced as it stands: of a newer API than is known here, say. */
export interface RefusedPolicy extends PolicyRevision {
  /** What is wrong; holds at least one error. */
  readonly refused: readonly Diagnostic[];
  /** The pods that it is about; absent where not even that can be read: then it may be about any of its namespace. */
  readonly podSelector?: LabelSelector;
}

export type ApiPolicy = AcceptedPolicy | RefusedPolicy;

const apiVersion = 'networking.k8s.io/v1';

/** The policy, and what is odd about it. Its positions are places in `policyDocument`. */
export function decodeApiPolicy(raw: RawObject): { policy: ApiPolicy; problems: readonly Diagnostic[] } {
  const revision = revisionOf(raw);
  const file = `networkpolicies/${revision.key}`;
  const diagnostics: Diagnostic[] = [];
  try {
    const { root, lines } = policyDocument(raw, apiVersion);
    const context = { file, lines, aliases: new Map(), diagnostics, unknownFields: 'error' } as const;
    return decodeDocument(new Cursor(context, root, { field: '', offset: 0 }), revision, diagnostics);
  } catch (error) {
    diagnostics.push(unreadable(file, error));
    return { policy: { ...revision, refused: diagnostics }, problems: diagnostics };
  }
}

function decodeDocument(
  document: Cursor,
  revision: PolicyRevision,
  diagnostics: Diagnostic[],
): { policy: ApiPolicy; problems: readonly Diagnostic[] } {
  const { policy } = decodeNetworkPolicy(document, apiVersion);
  const problems = [...diagnostics];
  if (!problems.some(({ severity }) => severity === 'error')) {
    return { policy: { ...revision, policy }, problems };
  }
  const podSelector = readPodSelector(document, diagnostics);
  return { policy: { ...revision, refused: problems, ...(podSelector ? { podSelector } : {}) }, problems };
}

/** The selector, if nothing is wrong with it. */
function readPodSelector(document: Cursor, diagnostics: Diagnostic[]): LabelSelector | undefined {
  const selector = document.object('spec')?.object('podSelector');
  if (!selector) return undefined;
  const before = diagnostics.length;
  const decoded = decodeLabelSelector(selector, true);
  return diagnostics.length === before ? decoded : undefined;
}

function revisionOf(raw: RawObject): PolicyRevision {
  const metadata = new ObjectReader(raw, '', () => undefined).object('metadata');
  const [namespace, name] = [metadata?.text('namespace') ?? '', metadata?.text('name') ?? ''];
  return {
    key: `${namespace}/${name}`,
    namespace,
    name,
    uid: metadata?.text('uid') ?? '',
    resourceVersion: metadata?.text('resourceVersion') ?? '',
    generation: metadata?.integer('generation') ?? 0,
  };
}

function unreadable(file: string, error: unknown): Diagnostic {
  const reason = error instanceof Error ? error.message : String(error);
  return failure('POLICY_UNREADABLE', `the policy cannot be read: ${reason}`, {
    hint: 'Look at what is stored with kubectl, and correct or delete it.',
    position: { file, line: 1, column: 1 },
  });
}

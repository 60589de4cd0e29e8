/** What all objects have in common. */
import type { Position } from '../errors.ts';
import type { Cursor } from './cursor.ts';
import { decodeLabels } from './labels.ts';
import type { Labels } from './model.ts';
import { checkDns1035Label, checkDns1123Label, checkDns1123Subdomain } from './names.ts';

export interface OwnerReference {
  readonly kind: string;
  readonly name: string;
}

export interface Metadata {
  /** Empty for objects outside namespaces; `default` where the manifest names none. */
  readonly namespace: string;
  readonly name: string;
  readonly labels: Labels;
  /** The controller that made this object, if it was read from a running cluster. */
  readonly controller?: OwnerReference;
  readonly position: Position;
}

export interface MetadataRules {
  readonly namespaced: boolean;
  readonly name: 'label' | 'subdomain' | 'dns1035';
}

const nameChecks = { label: checkDns1123Label, subdomain: checkDns1123Subdomain, dns1035: checkDns1035Label };

const nameHint = 'Use lower case letters, digits and hyphens.';

/** Decodes `metadata` of the object; reports a missing or malformed name, namespace or label. */
export function decodeMetadata(object: Cursor, rules: MetadataRules): Metadata {
  const metadata = object.object('metadata');
  const name = metadata?.string('name') ?? generatedName(metadata);
  // One of the wrong type has been reported already.
  const isUnreadable = name === undefined && metadata?.has('name') === true;
  if (name) {
    for (const problem of nameChecks[rules.name](name)) metadata?.at('name').invalid(name, problem, nameHint);
  } else if (!isUnreadable) {
    object.at('metadata').error({
      code: 'FIELD_REQUIRED',
      message: 'Required value: name or generateName is required',
      hint: 'Give the object a metadata.name.',
    });
  }
  const namespace = rules.namespaced ? metadata?.string('namespace') || 'default' : '';
  if (rules.namespaced) {
    for (const problem of checkDns1123Label(namespace))
      metadata?.at('namespace').invalid(namespace, problem, nameHint);
  }
  const controller = metadata && decodeController(metadata);
  return {
    namespace,
    name: name ?? '',
    labels: metadata ? decodeLabels(metadata, 'labels') : {},
    ...(controller ? { controller } : {}),
    position: object.position,
  };
}

/** `generateName: migrate-` asks the API server for a random suffix; we do without one. */
function generatedName(metadata: Cursor | undefined): string | undefined {
  return metadata?.string('generateName')?.replace(/[-.]+$/, '');
}

function decodeController(metadata: Cursor): OwnerReference | undefined {
  const owners = (metadata.objects('ownerReferences') ?? []).flatMap((owner) => {
    const [kind, name] = [owner.string('kind'), owner.string('name')];
    return kind && name ? [{ kind, name, controller: owner.boolean('controller') ?? false }] : [];
  });
  const owner = owners.find(({ controller }) => controller) ?? owners[0];
  return owner && { kind: owner.kind, name: owner.name };
}

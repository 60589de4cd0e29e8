/**
 * NetworkPolicy, decoded strictly, with the API server's defaulting and validation.
 * Upstream: k8s.io/kubernetes pkg/apis/networking/v1/defaults.go and pkg/apis/networking/validation/validation.go;
 * extensions/v1beta1 has the same shape, defaults and rules.
 */
import type { Cursor } from './cursor.ts';
import { cidrContainsCidr, parseCidr, type Cidr } from './ip.ts';
import { decodeLabelSelector } from './labels.ts';
import { decodeMetadata, type Metadata } from './metadata.ts';
import type {
  IPBlock,
  NetworkPolicy,
  NetworkPolicyPeer,
  NetworkPolicyPort,
  NetworkPolicyRule,
} from './model.ts';
import { decodePortOrName, decodeProtocol } from './ports.ts';
import { checkPortNumber } from './names.ts';

export interface NetworkPolicyManifest extends Metadata {
  readonly kind: 'NetworkPolicy';
  readonly policy: NetworkPolicy;
}

type PolicyType = NetworkPolicy['policyTypes'][number];

const policyTypes: readonly PolicyType[] = ['Ingress', 'Egress'];
const metadataFields = [
  'name',
  'generateName',
  'namespace',
  'labels',
  'annotations',
  'ownerReferences',
  'finalizers',
  'managedFields',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'selfLink',
  'clusterName',
];

export function decodeNetworkPolicy(
  object: Cursor,
  apiVersion: NetworkPolicy['apiVersion'],
): NetworkPolicyManifest {
  object.allowOnly(['apiVersion', 'kind', 'metadata', 'spec', 'status']);
  object.object('metadata')?.allowOnly(metadataFields);
  const metadata = decodeMetadata(object, { namespaced: true, name: 'subdomain' });
  const { namespace, name, position } = metadata;
  const spec = object.object('spec');
  spec?.allowOnly(['podSelector', 'policyTypes', 'ingress', 'egress']);
  const podSelector = spec?.object('podSelector');
  const ingress = decodeRules(spec, 'ingress', 'from');
  const egress = decodeRules(spec, 'egress', 'to');
  const policy: NetworkPolicy = {
    key: `${namespace}/${name}`,
    namespace,
    name,
    apiVersion,
    podSelector: podSelector
      ? decodeLabelSelector(podSelector, true)
      : { matchLabels: {}, matchExpressions: [] },
    policyTypes: decodePolicyTypes(spec) ?? (egress.length > 0 ? ['Ingress', 'Egress'] : ['Ingress']),
    ingress,
    egress,
    position,
  };
  return { kind: 'NetworkPolicy', ...metadata, policy };
}

/** Undefined where the default applies: absent or empty. */
function decodePolicyTypes(spec: Cursor | undefined): PolicyType[] | undefined {
  const written = spec?.strings('policyTypes') ?? [];
  if (written.length > policyTypes.length) {
    spec
      ?.at('policyTypes')
      .invalid(
        written.map(({ text }) => text).join(', '),
        'may not specify more than two policyTypes',
        'Keep Ingress, Egress or both.',
      );
  }
  for (const { text, at } of written) {
    if (policyTypes.some((type) => type === text)) continue;
    const meant = policyTypes.find((type) => type.toLowerCase() === text.toLowerCase());
    at.error({
      code: 'FIELD_NOT_SUPPORTED',
      message: `Unsupported value: ${JSON.stringify(text)}: supported values: "Ingress", "Egress"`,
      hint: meant ? `Write ${meant}.` : 'Use Ingress, Egress or both.',
    });
  }
  return written.length === 0
    ? undefined
    : policyTypes.filter((type) => written.some(({ text }) => text === type));
}

function decodeRules(
  spec: Cursor | undefined,
  section: 'ingress' | 'egress',
  peers: 'from' | 'to',
): NetworkPolicyRule[] {
  return (spec?.objects(section) ?? []).map((rule) => {
    rule.allowOnly([peers, 'ports']);
    warnOfEmptyList(rule, peers, 'every peer');
    warnOfEmptyList(rule, 'ports', 'every port');
    return {
      peers: (rule.objects(peers) ?? []).map(decodePeer),
      ports: (rule.objects('ports') ?? []).map(decodePort),
      position: rule.position,
    };
  });
}

/** Absent, null and empty are all the same to the API, but who writes the field most likely meant to restrict. */
function warnOfEmptyList(rule: Cursor, key: string, allowed: string): void {
  if (!rule.isWritten(key) || rule.at(key).elements.length > 0) return;
  rule.at(key).warn({
    code: 'POLICY_EMPTY_LIST',
    message: `an empty \`${key}\` allows ${allowed}`,
    hint: `List what is meant, or remove \`${key}\` to say so plainly; to allow nothing remove the rule.`,
  });
}

function decodePeer(peer: Cursor): NetworkPolicyPeer {
  peer.allowOnly(['podSelector', 'namespaceSelector', 'ipBlock']);
  const podSelector = peer.object('podSelector');
  const namespaceSelector = peer.object('namespaceSelector');
  const block = peer.object('ipBlock');
  const ipBlock = block && decodeIPBlock(block);
  if (!peer.has('podSelector') && !peer.has('namespaceSelector') && !peer.has('ipBlock')) {
    peer.error({
      code: 'FIELD_REQUIRED',
      message: 'Required value: must specify a peer',
      hint: 'Name a podSelector, namespaceSelector or ipBlock; to match everyone leave the whole list out.',
    });
  } else if (block && (podSelector || namespaceSelector)) {
    peer.error({
      code: 'FIELD_FORBIDDEN',
      message: 'Forbidden: may not specify both ipBlock and another peer',
      hint: 'Make them two list items: peers of a list are ORed.',
    });
  }
  return {
    ...(podSelector ? { podSelector: decodeLabelSelector(podSelector, true) } : {}),
    ...(namespaceSelector ? { namespaceSelector: decodeLabelSelector(namespaceSelector, true) } : {}),
    ...(ipBlock ? { ipBlock } : {}),
    position: peer.position,
  };
}

function decodeIPBlock(block: Cursor): IPBlock | undefined {
  block.allowOnly(['cidr', 'except']);
  const written = block.string('cidr');
  if (!written) {
    block.at('cidr').error({
      code: 'FIELD_REQUIRED',
      message: 'Required value',
      hint: 'Give a prefix such as 10.9.8.0/24.',
    });
  }
  const cidr = written ? decodeCidr(block.at('cidr'), written) : undefined;
  const except = (block.strings('except') ?? []).flatMap(({ text, at }) => {
    const inner = decodeCidr(at, text);
    if (cidr && inner && !(cidrContainsCidr(cidr, inner) && inner.prefixLength > cidr.prefixLength)) {
      at.invalid(
        text,
        'must be a strict subset of `cidr`',
        `Only addresses within ${cidr.text} can be excepted.`,
      );
    }
    return inner ? [inner] : [];
  });
  return cidr && { cidr, except, position: block.position };
}

function decodeCidr(at: Cursor, text: string): Cidr | undefined {
  const cidr = parseCidr(text);
  if (!cidr) {
    at.invalid(text, 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)', cidrHint(text));
  } else if (text.includes('.') ? text !== cidr.text : hasHostBits(text, cidr)) {
    at.warn({
      code: 'CIDR_HOST_BITS',
      message: `${JSON.stringify(text)} is read as ${cidr.text}`,
      hint: `Write ${cidr.text}; implementations differ in what they make of other spellings.`,
    });
  }
  return cidr;
}

function hasHostBits(text: string, cidr: Cidr): boolean {
  return parseCidr(`${text.split('/')[0] ?? ''}/128`)?.bits !== cidr.bits;
}

function cidrHint(text: string): string {
  if (!text.includes('/')) return `For this one address write ${text}/${text.includes(':') ? 128 : 32}.`;
  if (/(^|\.)0\d/.test(text)) return 'Write the octets without leading zeros.';
  return 'Write an address, a slash and the length of the prefix.';
}

function decodePort(port: Cursor): NetworkPolicyPort {
  port.allowOnly(['protocol', 'port', 'endPort']);
  const number = decodePortOrName(port, 'port');
  const endPort = port.integer('endPort');
  if (endPort !== undefined) {
    const at = port.at('endPort');
    if (number === undefined) {
      at.invalid(
        endPort,
        'may not be specified when `port` is not specified',
        'Add `port`, the first of the range.',
      );
    } else if (typeof number === 'string') {
      at.invalid(endPort, 'may not be specified when `port` is non-numeric', 'Give `port` as a number.');
    } else {
      if (endPort < number)
        at.invalid(endPort, 'must be greater than or equal to `port`', 'Make it the last port of the range.');
      for (const problem of checkPortNumber(endPort))
        at.invalid(endPort, problem, 'Use a number up to 65535.');
    }
  }
  return {
    protocol: decodeProtocol(port),
    ...(number === undefined ? {} : { port: number }),
    ...(endPort === undefined ? {} : { endPort }),
    position: port.position,
  };
}

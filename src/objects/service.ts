/** Services. Upstream: k8s.io/api core/v1. */
import type { Cursor } from './cursor.ts';
import { parseAddress, type Address, type IpFamily } from './ip.ts';
import { decodeLabels } from './labels.ts';
import { decodeMetadata, type Metadata } from './metadata.ts';
import { notAnAddress } from './pod.ts';
import type { Labels, Service, ServicePort } from './model.ts';
import { decodePortNumber, decodePortOrName, decodeProtocol } from './ports.ts';

export interface ServiceManifest extends Metadata {
  readonly kind: 'Service';
  readonly type: Service['type'];
  readonly headless: boolean;
  /** As far as the manifest assigns them. */
  readonly clusterIPs: readonly Address[];
  /** Asked for by `ipFamilies`; empty where the manifest leaves it open. */
  readonly families: readonly IpFamily[];
  /** Whether it wants every family that the cluster has (ipFamilyPolicy PreferDualStack or RequireDualStack). */
  readonly dualStack: boolean;
  /** Never empty: the API takes an empty selector as none. */
  readonly selector?: Labels;
  readonly ports: readonly ServicePort[];
  readonly externalName?: string;
}

const types: readonly Service['type'][] = ['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'];

export function decodeService(object: Cursor): ServiceManifest {
  const metadata = decodeMetadata(object, { namespaced: true, name: 'dns1035' });
  const spec = object.object('spec');
  const selector = spec ? decodeLabels(spec, 'selector') : {};
  const externalName = spec?.string('externalName');
  const written = spec?.strings('clusterIPs') ?? [];
  const single = spec?.string('clusterIP');
  const texts =
    written.length > 0 || !spec || !single ? written : [{ text: single, at: spec.at('clusterIP') }];
  return {
    kind: 'Service',
    ...metadata,
    type: decodeType(spec),
    headless: texts[0]?.text === 'None',
    clusterIPs: texts.flatMap(({ text, at }) => decodeClusterIP(text, at)),
    families: (spec?.strings('ipFamilies') ?? []).flatMap(({ text, at }) => decodeFamily(text, at)),
    dualStack: ['PreferDualStack', 'RequireDualStack'].includes(spec?.string('ipFamilyPolicy') ?? ''),
    ...(Object.keys(selector).length > 0 ? { selector } : {}),
    ports: decodePorts(spec),
    ...(externalName ? { externalName } : {}),
  };
}

function decodeType(spec: Cursor | undefined): Service['type'] {
  const written = spec?.string('type') ?? 'ClusterIP';
  const type = types.find((known) => known === written);
  if (type) return type;
  spec?.at('type').error({
    code: 'FIELD_NOT_SUPPORTED',
    message: `Unsupported value: ${JSON.stringify(written)}: supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"`,
    hint: 'Use one of these types.',
  });
  return 'ClusterIP';
}

function decodeClusterIP(text: string, at: Cursor): Address[] {
  if (text === '' || text === 'None') return [];
  const address = parseAddress(text);
  if (address) return [address];
  at.invalid(text, ...notAnAddress);
  return [];
}

function decodeFamily(text: string, at: Cursor): IpFamily[] {
  if (text === 'IPv4') return [4];
  if (text === 'IPv6') return [6];
  at.error({
    code: 'FIELD_NOT_SUPPORTED',
    message: `Unsupported value: ${JSON.stringify(text)}: supported values: "IPv4", "IPv6"`,
    hint: 'Use IPv4 or IPv6.',
  });
  return [];
}

function decodePorts(spec: Cursor | undefined): ServicePort[] {
  const taken = new Set<string>();
  return (spec?.objects('ports') ?? []).flatMap((item) =>
    decodeServicePort(item).filter(({ port, protocol }) => {
      const key = `${protocol}/${port}`;
      const isFree = !taken.has(key);
      taken.add(key);
      if (!isFree) {
        item.error({
          code: 'FIELD_INVALID',
          message: `Duplicate value: ${JSON.stringify(key)}`,
          hint: 'A Service can have a port only once for each protocol.',
        });
      }
      return isFree;
    }),
  );
}

function decodeServicePort(item: Cursor): ServicePort[] {
  const port = decodePortNumber(item, 'port');
  if (!item.has('port')) {
    item
      .at('port')
      .error({ code: 'FIELD_REQUIRED', message: 'Required value', hint: 'Give the port number.' });
  }
  const name = item.string('name');
  const targetPort = decodePortOrName(item, 'targetPort');
  // The API server writes 0 where it has not allocated one.
  const nodePort = item.integer('nodePort') ? decodePortNumber(item, 'nodePort') : undefined;
  const protocol = decodeProtocol(item);
  return port === undefined
    ? []
    : [
        {
          ...(name ? { name } : {}),
          protocol,
          port,
          targetPort: targetPort ?? port,
          ...(nodePort ? { nodePort } : {}),
        },
      ];
}

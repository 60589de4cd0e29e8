/** Nodes of an API server. They mean what a manifest's nodes mean (objects/node.ts). */
import type { RawObject } from '../../kubernetes/client.ts';
import { parseAddress, parseCidr } from '../../objects/ip.ts';
import type { Node } from '../../objects/model.ts';
import { read, type Decoded } from './decoded.ts';
import type { ObjectReader } from './object-reader.ts';

/** Addresses and pod ranges that can't be read are left out. */
export function decodeNode(raw: RawObject): Decoded<Node> {
  const { object, metadata, name, file, problems } = read('nodes', raw);
  const uid = metadata?.text('uid');
  const node: Node = {
    name,
    ...(uid === undefined ? {} : { uid }),
    labels: metadata?.textMap('labels') ?? {},
    addresses: readAddresses(object.object('status')),
    podCIDRs: readPodCidrs(object.object('spec')),
    position: { file, line: 1, column: 1 },
  };
  return { object: node, problems };
}

/** Its InternalIPs; else its ExternalIPs. */
function readAddresses(status: ObjectReader | undefined): Node['addresses'] {
  const all = (status?.objects('addresses') ?? []).flatMap((item) => {
    const [type, text] = [item.text('type'), item.text('address') ?? ''];
    if (type !== 'InternalIP' && type !== 'ExternalIP') return [];
    const address = parseAddress(text);
    if (!address) item.invalid('address', `${JSON.stringify(text)} is no IP address`);
    return address ? [{ type, address }] : [];
  });
  const internal = all.filter(({ type }) => type === 'InternalIP');
  return (internal.length > 0 ? internal : all).map(({ address }) => address);
}

function readPodCidrs(spec: ObjectReader | undefined): Node['podCIDRs'] {
  const listed = spec?.texts('podCIDRs') ?? [];
  const single = spec?.text('podCIDR');
  return (listed.length > 0 || !single ? listed : [single]).flatMap((text) => {
    const cidr = parseCidr(text);
    if (!cidr) spec?.invalid('podCIDRs', `${JSON.stringify(text)} is no prefix`);
    return cidr ? [cidr] : [];
  });
}

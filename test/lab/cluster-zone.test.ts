import { describe, expect, test } from 'vitest';
import { zoneOf } from '../../src/lab/cluster-zone.ts';
import { decodeQuery, recordTypes } from '../../src/lab/dns-message.ts';
import { answer } from '../../src/lab/dns.ts';
import { queryFor, readResponse } from './dns-client.ts';
import { cluster, endpoints, node, pod, service } from './network/small-cluster.ts';

const a = pod('shop/a', 'n1', '10.244.0.2', 'fd00:244::2');
const db = { ...pod('shop/db-0', 'n1', '10.244.0.3'), owner: { kind: 'StatefulSet', name: 'db' } };
const web = service(
  'shop/web',
  ['10.96.0.20', 'fd00:96::20'],
  [{ name: 'http', protocol: 'TCP', port: 80, targetPort: 8080 }],
);
const old = service('shop/old', ['10.96.0.21'], [{ protocol: 'TCP', port: 80, targetPort: 80 }]);
const head = service('shop/head', [], [{ name: 'pg', protocol: 'TCP', port: 5432, targetPort: 5433 }], {
  headless: true,
});
const empty = service('shop/empty', [], [{ protocol: 'TCP', port: 1, targetPort: 1 }], { headless: true });
const external = (name: string, externalName: string): ReturnType<typeof service> =>
  service(`shop/${name}`, [], [], { type: 'ExternalName', externalName });

const zone = zoneOf(
  cluster({
    nodes: [node('n1', '172.18.0.2')],
    pods: [a, db],
    services: [
      web,
      old,
      head,
      empty,
      external('alias', 'web.shop.svc.cluster.local'),
      external('outside', 'Example.com.'),
      external('loop-a', 'loop-b.shop.svc.cluster.local'),
      external('loop-b', 'loop-a.shop.svc.cluster.local'),
      external('broken', 'a..b'),
    ],
    endpoints: [
      ...endpoints(web, [a]),
      ...endpoints(old, [a]),
      ...endpoints(head, [a, db]),
      ...endpoints(empty, []),
    ],
  }),
);

/** `code: data, data` of a lookup that went over the wire format. */
function ask(name: string, type: keyof typeof recordTypes = 'A'): string {
  const query = decodeQuery(queryFor(name, recordTypes[type]));
  if (!query || 'code' in query) throw new Error('no query');
  const { code, answers, authority } = readResponse(answer(query, zone, 65_535));
  const text = answers.map(({ data }) => data).join(', ');
  return `${code}: ${text}${authority.length > 0 ? 'SOA' : ''}`;
}

const ok = 0;
const noSuchName = 3;
const refused = 5;

describe('names of Services', () => {
  test.each([
    ['web.shop.svc.cluster.local', 'A', `${ok}: 10.96.0.20`],
    ['web.shop.svc.cluster.local', 'AAAA', `${ok}: fd00:96::20`],
    ['WEB.Shop.SVC.cluster.LOCAL', 'A', `${ok}: 10.96.0.20`],
    ['old.shop.svc.cluster.local', 'AAAA', `${ok}: SOA`],
    ['_http._tcp.web.shop.svc.cluster.local', 'SRV', `${ok}: 0 100 80 web.shop.svc.cluster.local`],
    ['_nosuch._tcp.web.shop.svc.cluster.local', 'SRV', `${noSuchName}: SOA`],
    ['nosuch.shop.svc.cluster.local', 'A', `${noSuchName}: SOA`],
    ['web.other.svc.cluster.local', 'A', `${noSuchName}: SOA`],
    ['x.web.shop.svc.cluster.local', 'A', `${noSuchName}: SOA`],
    ['shop.svc.cluster.local', 'A', `${ok}: SOA`],
    ['cluster.local', 'A', `${ok}: SOA`],
    ['web.shop.svc.cluster.local.shop.svc.cluster.local', 'A', `${noSuchName}: SOA`],
  ] as const)('%s %s → %s', (name, type, expected) => {
    expect(ask(name, type)).toBe(expected);
  });
});

describe('headless Services', () => {
  test.each([
    ['head.shop.svc.cluster.local', 'A', `${ok}: 10.244.0.2, 10.244.0.3`],
    ['head.shop.svc.cluster.local', 'AAAA', `${ok}: fd00:244::2`],
    ['db-0.head.shop.svc.cluster.local', 'A', `${ok}: 10.244.0.3`],
    ['10-244-0-2.head.shop.svc.cluster.local', 'A', `${ok}: 10.244.0.2`],
    ['a.head.shop.svc.cluster.local', 'A', `${noSuchName}: SOA`],
    [
      '_pg._tcp.head.shop.svc.cluster.local',
      'SRV',
      `${ok}: ${['10-244-0-2', 'fd00-244--2', 'db-0'].map((host) => `0 100 5433 ${host}.head.shop.svc.cluster.local`).join(', ')}`,
    ],
    ['empty.shop.svc.cluster.local', 'A', `${ok}: SOA`],
  ] as const)('%s %s → %s', (name, type, expected) => {
    expect(ask(name, type)).toBe(expected);
  });
});

describe('other names', () => {
  test.each([
    ['10-244-0-2.shop.pod.cluster.local', 'A', `${ok}: 10.244.0.2`],
    ['10-244-0-9.shop.pod.cluster.local', 'A', `${noSuchName}: SOA`],
    ['alias.shop.svc.cluster.local', 'A', `${ok}: web.shop.svc.cluster.local, 10.96.0.20`],
    ['alias.shop.svc.cluster.local', 'CNAME', `${ok}: web.shop.svc.cluster.local`],
    ['outside.shop.svc.cluster.local', 'A', `${ok}: example.com`],
    ['broken.shop.svc.cluster.local', 'A', `${ok}: SOA`],
    ['example.com', 'A', `${refused}: `],
    ['notcluster.local', 'A', `${refused}: `],
  ] as const)('%s %s → %s', (name, type, expected) => {
    expect(ask(name, type)).toBe(expected);
  });

  test('ExternalNames in a circle end', () => {
    expect(ask('loop-a.shop.svc.cluster.local')).toMatch(/^0: (loop-[ab]\S+,? ?)+$/);
  });
});

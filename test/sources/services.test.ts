import { describe, expect, test } from 'vitest';
import { BulkheadError } from '../../src/errors.ts';
import type { Cluster } from '../../src/objects/model.ts';
import { assemble, pod, stream, workload } from './assembled.ts';

const service = (name: string, spec: string, namespace = 'default'): string =>
  `apiVersion: v1\nkind: Service\nmetadata: { name: ${name}, namespace: ${namespace} }\nspec: ${spec}`;

const clusterIPs = (cluster: Cluster, key: string): string[] =>
  (cluster.services.get(key)?.clusterIPs ?? []).map(({ text }) => text);

/** `address:port pod` of every backend of a Service, by Service port. */
function backends(cluster: Cluster, key = 'default/cart'): string[][] {
  return cluster.endpoints
    .filter((entry) => entry.service === key)
    .map((entry) =>
      entry.backends.map(({ address, port, pod: name }) => `${address.text}:${port} ${name ?? '-'}`),
    );
}

describe('ports that are taken', () => {
  const codesOf = (text: string): string[] => {
    try {
      assemble(text);
      return [];
    } catch (error) {
      if (!(error instanceof BulkheadError)) throw error;
      return error.diagnostics.map(({ code, message }) => `${code} ${message}`);
    }
  };
  const nodePort = (name: string, protocol: string): string =>
    service(name, `{ type: NodePort, ports: [{ port: 80, nodePort: 30080, protocol: ${protocol} }] }`);

  test('one node port of one protocol for two Services', () => {
    expect(codesOf(stream(nodePort('a', 'TCP'), nodePort('b', 'TCP')))).toEqual([
      'NODE_PORT_CLASH Service default/b and Service default/a (test.yaml:1:1) both have node port TCP/30080',
    ]);
    expect(codesOf(stream(nodePort('a', 'TCP'), nodePort('b', 'UDP')))).toEqual([]);
  });

  test('one port of one protocol twice in a Service', () => {
    const twice = (protocol: string): string =>
      service('a', `{ ports: [{ name: one, port: 80 }, { name: two, port: 80, protocol: ${protocol} }] }`);
    expect(codesOf(twice('TCP'))).toEqual(['FIELD_INVALID Duplicate value: "TCP/80"']);
    expect(codesOf(twice('UDP'))).toEqual([]);
  });
});

describe('cluster IPs', () => {
  test('are those of the manifest, else allocated', () => {
    const cluster = assemble(
      stream(
        service('given', '{ clusterIP: 10.96.7.7 }'),
        service('both', '{ clusterIPs: [10.96.7.8, "fd00:10:96::8"] }'),
        service('open', '{}'),
        service('headless', '{ clusterIP: None }'),
        service('alias', '{ type: ExternalName, externalName: example.com }'),
      ),
      { families: [4, 6] },
    );
    expect(clusterIPs(cluster, 'default/given')).toEqual(['10.96.7.7']);
    expect(clusterIPs(cluster, 'default/both')).toEqual(['10.96.7.8', 'fd00:10:96::8']);
    expect(clusterIPs(cluster, 'default/open')).toEqual([expect.stringMatching(/^10\.96\./)]);
    expect(clusterIPs(cluster, 'default/headless')).toEqual([]);
    expect(cluster.services.get('default/headless')?.headless).toBe(true);
    expect(cluster.services.get('default/alias')).toMatchObject({
      clusterIPs: [],
      externalName: 'example.com',
    });
  });

  test.each([
    ['{}', [4, 6], /^10\.96\.[^ ]*$/],
    ['{}', [6], /^fd00:10:96::[^ ]*$/],
    ['{ ipFamilies: [IPv6] }', [4, 6], /^fd00:10:96::[^ ]*$/],
    ['{ ipFamilyPolicy: PreferDualStack }', [4, 6], /^10\.96\.[^ ]* fd00:10:96::[^ ]*$/],
    [
      '{ ipFamilyPolicy: RequireDualStack, ipFamilies: [IPv6, IPv4] }',
      [4, 6],
      /^10\.96\.[^ ]* fd00:10:96::[^ ]*$/,
    ],
    ['{ ipFamilyPolicy: PreferDualStack }', [4], /^10\.96\.[^ ]*$/],
  ] as const)('of %s in a cluster with families %j', (spec, families, expected) => {
    expect(clusterIPs(assemble(service('a', spec), { families }), 'default/a').join(' ')).toMatch(expected);
  });

  test('well-known Services have their well-known addresses', () => {
    const cluster = assemble(stream(service('kube-dns', '{}', 'kube-system'), service('kubernetes', '{}')), {
      families: [6],
    });
    expect(clusterIPs(cluster, 'kube-system/kube-dns')).toEqual(['fd00:10:96::a']);
    expect(clusterIPs(cluster, 'default/kubernetes')).toEqual(['fd00:10:96::1']);
  });
});

describe('ports', () => {
  test('node ports are those of the manifest, else allocated, never twice', () => {
    const ports = Array.from({ length: 40 }, (_, index) => `{ name: p${index}, port: ${index + 1} }`).join(
      ', ',
    );
    const cluster = assemble(
      stream(
        service('a', `{ type: NodePort, ports: [${ports}] }`),
        service(
          'b',
          '{ type: LoadBalancer, ports: [{ port: 80 }, { port: 80, protocol: UDP, nodePort: 30001 }] }',
        ),
        service('c', '{ ports: [{ port: 80 }] }'),
      ),
    );
    const nodePorts = [...cluster.services.values()].flatMap((each) =>
      each.ports.map(({ protocol, nodePort }) => `${protocol}/${nodePort}`),
    );
    expect(new Set(nodePorts).size).toBe(43);
    expect(nodePorts.at(-2)).toBe('UDP/30001');
    expect(nodePorts.at(-1)).toBe('TCP/undefined');
    for (const text of nodePorts.slice(0, -1)) expect(text).toMatch(/^(TCP|UDP)\/3[0-2]\d{3}$/);
  });

  test('targetPort defaults to port', () => {
    expect(assemble(service('a', '{ ports: [{ port: 80 }] }')).services.get('default/a')?.ports).toEqual([
      { protocol: 'TCP', port: 80, targetPort: 80 },
    ]);
  });
});

describe('backends', () => {
  const status = (ip: string, phase = 'Running'): string => `{ phase: ${phase}, podIP: ${ip} }`;
  const cart = (
    name: string,
    ip: string,
    rest: { phase?: string; spec?: string; labels?: string } = {},
  ): string =>
    pod(name, {
      metadata: `, labels: { app: cart, ${rest.labels ?? ''} }`,
      spec: rest.spec ?? '{ containers: [{ ports: [{ name: http, containerPort: 8080 }] }] }',
      status: status(ip, rest.phase),
    });

  test('are the running pods that the selector matches, in its namespace', () => {
    const cluster = assemble(
      stream(
        cart('a', '10.1.0.1'),
        cart('b', '10.1.0.2', { phase: 'Pending' }),
        cart('c', '10.1.0.3', { phase: 'Failed' }),
        cart('d', '10.1.0.4', { labels: 'track: canary' }),
        pod('e', { metadata: ', namespace: other, labels: { app: cart }', status: status('10.1.0.5') }),
        service('cart', '{ selector: { app: cart }, ports: [{ port: 80, targetPort: 8080 }, { port: 81 }] }'),
        service('canary', '{ selector: { app: cart, track: canary }, ports: [{ port: 80 }] }'),
        service('none', '{ selector: { app: nobody }, ports: [{ port: 80 }] }'),
      ),
    );
    expect(backends(cluster)).toEqual([
      ['10.1.0.1:8080 default/a', '10.1.0.2:8080 default/b', '10.1.0.4:8080 default/d'],
      ['10.1.0.1:81 default/a', '10.1.0.2:81 default/b', '10.1.0.4:81 default/d'],
    ]);
    expect(backends(cluster, 'default/canary')).toEqual([['10.1.0.4:80 default/d']]);
    expect(backends(cluster, 'default/none')).toEqual([[]]);
  });

  test('of a named target port are resolved on each pod, by name and protocol', () => {
    const spec = (port: string): string => `{ containers: [{ ports: [${port}] }] }`;
    const cluster = assemble(
      stream(
        cart('a', '10.1.0.1', { spec: spec('{ name: http, containerPort: 8080 }') }),
        cart('b', '10.1.0.2', { spec: spec('{ name: http, containerPort: 9090 }') }),
        cart('c', '10.1.0.3', { spec: spec('{ name: http, containerPort: 7070, protocol: UDP }') }),
        cart('d', '10.1.0.4', { spec: spec('{ containerPort: 8080 }') }),
        service('cart', '{ selector: { app: cart }, ports: [{ port: 80, targetPort: http }] }'),
      ),
    );
    expect(backends(cluster)).toEqual([['10.1.0.1:8080 default/a', '10.1.0.2:9090 default/b']]);
  });

  test('have the families of their Service', () => {
    const text = (spec: string): string =>
      stream(workload(), service('cart', `{ selector: { app: cart }, ports: [{ port: 80 }], ${spec} }`));
    const families = (spec: string): number[] =>
      assemble(text(spec), { families: [4, 6] }).endpoints.flatMap((entry) =>
        entry.backends.map(({ address }) => address.family),
      );
    expect(families('')).toEqual([4]);
    expect(families('ipFamilies: [IPv6]')).toEqual([6]);
    expect(families('clusterIP: None, ipFamilyPolicy: PreferDualStack')).toEqual([4, 6]);
  });

  test('of hostNetwork pods are on their node', () => {
    const spec = '{ hostNetwork: true, nodeName: node-2 }';
    const cluster = assemble(
      stream(
        cart('a', '9.9.9.9', { spec }),
        service('cart', '{ selector: { app: cart }, ports: [{ port: 80 }] }'),
      ),
    );
    expect(backends(cluster)).toEqual([['172.18.0.2:80 default/a']]);
  });

  const endpoints = `apiVersion: v1
kind: Endpoints
metadata: { name: cart }
subsets:
  - addresses: [{ ip: 10.1.0.1 }, { ip: 192.168.0.9 }]
    notReadyAddresses: [{ ip: 192.168.0.10 }]
    ports: [{ name: http, port: 8080 }, { name: dns, port: 53, protocol: UDP }]`;

  const slice = (
    name: string,
    addressType: string,
    address: string,
    conditions = '{}',
  ): string => `apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${name}, labels: { kubernetes.io/service-name: cart } }
addressType: ${addressType}
endpoints: [{ addresses: ["${address}"], conditions: ${conditions} }]
ports: [{ name: http, port: 8080 }]`;

  const manual = service(
    'cart',
    '{ ports: [{ name: http, port: 80 }, { name: dns, port: 53, protocol: UDP }] }',
  );

  test('of a Service without selector are its Endpoints', () => {
    expect(backends(assemble(stream(manual, endpoints, cart('a', '10.1.0.1'))))).toEqual([
      ['10.1.0.1:8080 default/a', '192.168.0.9:8080 -'],
      ['10.1.0.1:53 default/a', '192.168.0.9:53 -'],
    ]);
  });

  test('of a Service without selector are its EndpointSlices', () => {
    const cluster = assemble(
      stream(
        manual,
        slice('a', 'IPv4', '192.168.0.1'),
        slice('b', 'IPv4', '192.168.0.2', '{ ready: false }'),
        slice('c', 'IPv6', 'fd00::1'),
        slice('d', 'FQDN', 'example.com'),
      ),
    );
    expect(backends(cluster)).toEqual([['192.168.0.1:8080 -'], []]);
  });

  test('of a Service with a selector are its pods, whatever the Endpoints say', () => {
    const selecting = service('cart', '{ selector: { app: cart }, ports: [{ name: http, port: 80 }] }');
    expect(backends(assemble(stream(selecting, endpoints, cart('x', '10.1.0.7'))))).toEqual([
      ['10.1.0.7:80 default/x'],
    ]);
  });
});

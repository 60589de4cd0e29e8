import { describe, expect, test } from 'vitest';
import { parseManifests } from '../../src/sources/manifests.ts';
import { brief, decodeOne, decodePolicy, errorsOf, policyText } from './decode.ts';

const everything = { matchLabels: {}, matchExpressions: [] };

describe('defaults', () => {
  test.each([
    ['  podSelector: {}', ['Ingress']],
    ['  podSelector: {}\n  egress: []', ['Ingress']],
    ['  podSelector: {}\n  egress: null', ['Ingress']],
    ['  podSelector: {}\n  egress: [{}]', ['Ingress', 'Egress']],
    ['  policyTypes: []\n  egress: [{}]', ['Ingress', 'Egress']],
    ['  policyTypes: [Egress]', ['Egress']],
    ['  policyTypes: [Egress, Ingress]', ['Ingress', 'Egress']],
    ['  policyTypes: [Egress]\n  ingress: [{}]', ['Egress']],
  ])('policyTypes of %j', (spec, types) => {
    expect(decodePolicy(spec).policyTypes).toEqual(types);
  });

  test.each(['  {}', '  podSelector:', '  podSelector: {}', '  podSelector: {matchLabels: null}'])(
    'podSelector of %j selects everything',
    (spec) => expect(decodePolicy(spec).podSelector).toEqual(everything),
  );

  test('a policy without spec isolates every pod of its namespace for ingress', () => {
    const text = 'apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p}\n';
    expect(decodeOne('NetworkPolicy', text).policy).toMatchObject({
      key: 'default/p',
      podSelector: everything,
      policyTypes: ['Ingress'],
      ingress: [],
      egress: [],
    });
  });

  test('protocol is TCP', () => {
    expect(
      decodePolicy('  ingress: [{ports: [{}, {port: 53, protocol: UDP}, {port: http}]}]').ingress[0]?.ports,
    ).toEqual([
      { protocol: 'TCP', position: expect.anything() },
      { protocol: 'UDP', port: 53, position: expect.anything() },
      { protocol: 'TCP', port: 'http', position: expect.anything() },
    ]);
  });

  test('absent, null and empty lists of peers and ports are the same, and warned of when written', () => {
    const text = policyText('  ingress: [{}, {from: , ports: null}, {from: [], ports: []}]');
    const { objects, diagnostics } = parseManifests(text, 'test.yaml');
    const policy = objects.get('NetworkPolicy/shop/p');
    const rules = policy?.kind === 'NetworkPolicy' ? policy.policy.ingress : [];
    expect(rules.map(({ peers, ports }) => [peers, ports])).toEqual([
      [[], []],
      [[], []],
      [[], []],
    ]);
    expect(brief(diagnostics)).toEqual([
      '5:18 POLICY_EMPTY_LIST spec.ingress[1].from: an empty `from` allows every peer',
      '5:33 POLICY_EMPTY_LIST spec.ingress[1].ports: an empty `ports` allows every port',
      '5:47 POLICY_EMPTY_LIST spec.ingress[2].from: an empty `from` allows every peer',
      '5:58 POLICY_EMPTY_LIST spec.ingress[2].ports: an empty `ports` allows every port',
    ]);
  });

  test('absent and empty selectors of a peer differ', () => {
    const spec = '  ingress: [{from: [{podSelector: {}}, {namespaceSelector: {}, podSelector: null}]}]';
    const peers = decodePolicy(spec).ingress[0]?.peers;
    expect(peers?.[0]).toEqual({ podSelector: everything, position: expect.anything() });
    expect(peers?.[1]).toEqual({ namespaceSelector: everything, position: expect.anything() });
  });

  test('extensions/v1beta1 has the same defaults', () => {
    const text = policyText('  egress: [{}]').replace('networking.k8s.io/v1', 'extensions/v1beta1');
    const { policy } = decodeOne('NetworkPolicy', text);
    expect(policy).toMatchObject({ apiVersion: 'extensions/v1beta1', policyTypes: ['Ingress', 'Egress'] });
  });
});

test('positions lead to the line of each part', () => {
  const policy = decodePolicy(`  podSelector:
    matchLabels: { app: db }
  ingress:
    - from:
        - podSelector: {}
        - ipBlock:
            cidr: 10.0.0.0/8
            except:
              - 10.1.0.0/16
      ports:
        - port: 80
          endPort: 90`);
  const [rule] = policy.ingress;
  expect(policy.position).toEqual({ file: 'test.yaml', line: 1, column: 1 });
  expect(rule?.position).toMatchObject({ line: 8, column: 7 });
  expect(rule?.peers.map(({ position }) => position.line)).toEqual([9, 10]);
  expect(rule?.peers[1]?.ipBlock).toMatchObject({
    cidr: { text: '10.0.0.0/8' },
    except: [{ text: '10.1.0.0/16' }],
    position: { line: 11 },
  });
  expect(rule?.ports[0]).toMatchObject({ port: 80, endPort: 90, position: { line: 15, column: 11 } });
});

const peer = (text: string): string => `  ingress: [{from: [${text}]}]`;
const port = (text: string): string => `  egress: [{ports: [${text}]}]`;
const selector = (text: string): string => `  podSelector: {matchExpressions: [${text}]}`;
const notACidr = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)';

describe('validation says what the API server says', () => {
  test.each([
    [peer('{}'), 'spec.ingress[0].from[0]: Required value: must specify a peer'],
    [peer(''), undefined],
    [peer('~'), 'spec.ingress[0].from[0]: Required value: must specify a peer'],
    [peer('{podSelector: }'), 'spec.ingress[0].from[0]: Required value: must specify a peer'],
    [
      peer('{podSelector: {}, ipBlock: {cidr: 10.0.0.0/8}}'),
      'spec.ingress[0].from[0]: Forbidden: may not specify both ipBlock and another peer',
    ],
    [peer('{podSelector: {}, namespaceSelector: {}}'), undefined],
    [peer('{ipBlock: {}}'), 'spec.ingress[0].from[0].ipBlock.cidr: Required value'],
    [peer('{ipBlock: {cidr: ""}}'), 'spec.ingress[0].from[0].ipBlock.cidr: Required value'],
    [
      peer('{ipBlock: {cidr: 10.0.0.0}}'),
      `spec.ingress[0].from[0].ipBlock.cidr: Invalid value: "10.0.0.0": ${notACidr}`,
    ],
    [
      peer('{ipBlock: {cidr: 10.0.0.00/8}}'),
      `spec.ingress[0].from[0].ipBlock.cidr: Invalid value: "10.0.0.00/8": ${notACidr}`,
    ],
    [
      peer('{ipBlock: {cidr: 10.0.0.0/8, except: [10.0.0.0/8]}}'),
      'spec.ingress[0].from[0].ipBlock.except[0]: Invalid value: "10.0.0.0/8": must be a strict subset of `cidr`',
    ],
    [
      peer('{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16, 11.0.0.0/16]}}'),
      'spec.ingress[0].from[0].ipBlock.except[1]: Invalid value: "11.0.0.0/16": must be a strict subset of `cidr`',
    ],
    [
      peer('{ipBlock: {cidr: "::/0", except: [10.0.0.0/8]}}'),
      'spec.ingress[0].from[0].ipBlock.except[0]: Invalid value: "10.0.0.0/8": must be a strict subset of `cidr`',
    ],
    [peer('{ipBlock: {cidr: "::/0", except: ["fd00::/8"]}}'), undefined],
    [
      port('{port: 0}'),
      'spec.egress[0].ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive',
    ],
    [
      port('{port: 65536}'),
      'spec.egress[0].ports[0].port: Invalid value: 65536: must be between 1 and 65535, inclusive',
    ],
    [port('{port: 65535}'), undefined],
    [
      port('{port: "80"}'),
      'spec.egress[0].ports[0].port: Invalid value: "80": must contain at least one letter (a-z)',
    ],
    [
      port('{port: two--hyphens}'),
      'spec.egress[0].ports[0].port: Invalid value: "two--hyphens": must not contain consecutive hyphens',
    ],
    [
      port('{port: 80.5}'),
      'spec.egress[0].ports[0].port: json: cannot unmarshal number 80.5 into a field of type int32 or string',
    ],
    [
      port('{port: yes}'),
      'spec.egress[0].ports[0].port: json: cannot unmarshal bool into a field of type int32 or string',
    ],
    [
      port('{protocol: ICMP}'),
      'spec.egress[0].ports[0].protocol: Unsupported value: "ICMP": supported values: "TCP", "UDP", "SCTP"',
    ],
    [port('{protocol: SCTP}'), undefined],
    [
      port('{endPort: 80}'),
      'spec.egress[0].ports[0].endPort: Invalid value: 80: may not be specified when `port` is not specified',
    ],
    [
      port('{port: http, endPort: 80}'),
      'spec.egress[0].ports[0].endPort: Invalid value: 80: may not be specified when `port` is non-numeric',
    ],
    [
      port('{port: 90, endPort: 80}'),
      'spec.egress[0].ports[0].endPort: Invalid value: 80: must be greater than or equal to `port`',
    ],
    [
      port('{port: 90, endPort: 65536}'),
      'spec.egress[0].ports[0].endPort: Invalid value: 65536: must be between 1 and 65535, inclusive',
    ],
    [port('{port: 90, endPort: 90}'), undefined],
    [
      selector('{key: a, operator: In}'),
      "spec.podSelector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
    ],
    [
      selector('{key: a, operator: NotIn, values: []}'),
      "spec.podSelector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
    ],
    [
      selector('{key: a, operator: Exists, values: [b]}'),
      "spec.podSelector.matchExpressions[0].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
    ],
    [
      selector('{key: a, operator: exists}'),
      'spec.podSelector.matchExpressions[0].operator: Invalid value: "exists": not a valid selector operator',
    ],
    [selector('{key: a, operator: DoesNotExist}'), undefined],
    [
      '  policyTypes: [ingress]',
      'spec.policyTypes[0]: Unsupported value: "ingress": supported values: "Ingress", "Egress"',
    ],
    [
      '  policyTypes: [Ingress, Egress, Ingress]',
      'spec.policyTypes: Invalid value: "Ingress, Egress, Ingress": may not specify more than two policyTypes',
    ],
    [
      '  podSelector: {matchLabels: {app: yes}}',
      'spec.podSelector.matchLabels.app: json: cannot unmarshal bool into a field of type string',
    ],
    [
      '  podSelector: {matchLabels: {app: 1}}',
      'spec.podSelector.matchLabels.app: json: cannot unmarshal number 1 into a field of type string',
    ],
    ['  podSelector: {matchLabels: {app: }}', undefined],
    ['  podSelector: []', 'spec.podSelector: json: cannot unmarshal array into a field of type object'],
    ['  ingress: {}', 'spec.ingress: json: cannot unmarshal object into a field of type array'],
    ['  ingress: [x]', 'spec.ingress[0]: json: cannot unmarshal string into a field of type object'],
  ])('%s', (spec, message) => {
    const errors = errorsOf(policyText(spec));
    expect(errors.map(({ field, message: text }) => `${field}: ${text}`)).toEqual(
      message === undefined ? [] : [message],
    );
    for (const error of errors)
      expect(error).toMatchObject({ position: { file: 'test.yaml', line: 5 }, hint: expect.any(String) });
  });

  test.each([
    ['name: Shop', 'metadata.name', 'a lowercase RFC 1123 subdomain'],
    ['name: p, namespace: a.b', 'metadata.namespace', 'a lowercase RFC 1123 label'],
    ['name: p, labels: {a b: c}', 'metadata.labels[a b]', 'name part must consist of'],
    ['name: p, labels: {a: "b c"}', 'metadata.labels.a', 'a valid label must be'],
    ['namespace: p', 'metadata', 'name or generateName is required'],
    ['name: ""', 'metadata', 'name or generateName is required'],
  ])('metadata {%s}', (metadata, field, message) => {
    const text = `apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {${metadata}}\n`;
    expect(errorsOf(text)).toEqual([
      expect.objectContaining({ field, message: expect.stringContaining(message) }),
    ]);
  });
});

describe('unknown fields', () => {
  const typo = policyText(
    '  podSelectr: {}\n  ingress: [{from: [{podSelector: {matchlabels: {a: b}}}], to: []}]',
  );

  test('are errors with what was probably meant', () => {
    expect(errorsOf(typo).map(({ code, field, hint }) => [code, field, hint])).toEqual([
      ['POLICY_UNKNOWN_FIELD', 'spec.podSelectr', 'Did you mean `podSelector`?'],
      [
        'POLICY_UNKNOWN_FIELD',
        'spec.ingress[0].from[0].podSelector.matchlabels',
        'Did you mean `matchLabels`?',
      ],
      ['POLICY_UNKNOWN_FIELD', 'spec.ingress[0].to', 'Known fields here: from, ports.'],
    ]);
  });

  test('are warnings when relaxed', () => {
    const { diagnostics, objects } = parseManifests(typo, 'test.yaml', { unknownFields: 'warn' });
    expect(diagnostics.map(({ severity, code }) => [severity, code])).toEqual(
      Array.from({ length: 3 }, () => ['warning', 'POLICY_UNKNOWN_FIELD']),
    );
    expect(objects.size).toBe(1);
  });

  test('what a running cluster adds is known', () => {
    const text = `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  annotations: { a: b }
  creationTimestamp: "2024-01-01T00:00:00Z"
  generation: 1
  managedFields: [{ manager: kubectl }]
  name: p
  namespace: shop
  resourceVersion: "1"
  uid: 0
spec: {}
status: {}
`;
    expect(errorsOf(text)).toEqual([]);
  });
});

describe('prefixes that are not canonical', () => {
  test.each([
    ['10.1.2.3/8', '10.0.0.0/8'],
    ['fd00::1/64', 'fd00::/64'],
    ['::ffff:10.0.0.0/104', '10.0.0.0/8'],
  ])('%s is read as %s, with a warning', (written, read) => {
    const { diagnostics } = parseManifests(policyText(peer(`{ipBlock: {cidr: '${written}'}}`)), 'test.yaml');
    expect(diagnostics.map(({ code, message }) => [code, message])).toEqual([
      ['CIDR_HOST_BITS', `"${written}" is read as ${read}`],
    ]);
  });

  test.each(['10.0.0.0/8', 'fd00::/64', 'FD00:0::/64', '::/0'])('%s is not warned of', (written) => {
    expect(
      parseManifests(policyText(peer(`{ipBlock: {cidr: '${written}'}}`)), 'test.yaml').diagnostics,
    ).toEqual([]);
  });
});

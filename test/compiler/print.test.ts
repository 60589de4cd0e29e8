import { expect, test } from 'vitest';
import { Compiler } from '../../src/compiler/compiler.ts';
import { describeProgram, formatProgram } from '../../src/compiler/print.ts';
import { fromManifests, ingressPolicy, pod } from './cluster.ts';

const { cluster, policies } = fromManifests(
  pod({ name: 'web', app: 'web', ip: '10.244.1.10' }),
  pod({ name: 'db', app: 'db', ip: '10.244.1.20' }),
  ingressPolicy(
    'db',
    'db',
    `
    - from: [{ podSelector: { matchLabels: { app: web } } }, { ipBlock: { cidr: 192.0.2.0/24, except: [192.0.2.0/28] } }]
      ports: [{ port: 5432 }, { port: 8000, endPort: 8009 }]
    - from: [{ ipBlock: { cidr: 192.0.2.64/26 } }]`,
  ),
  ingressPolicy('web', 'web', '[{ ports: [{ port: 1, endPort: 65535 }] }]'),
);
const program = new Compiler().compile(cluster, policies);

test('a program as text', () => {
  expect(formatProgram(program)).toMatchInlineSnapshot(`
    "Addresses
      ADDRESS      OWNER                   IDENTITY  INGRESS SET  EGRESS SET
      10.244.1.10  pod shop/web on node-1  1         2            0
      10.244.1.20  pod shop/db on node-1   0         1            0
      172.18.0.1   node node-1             0         0            0

    Prefixes
      PREFIX         IDENTITY
      192.0.2.0/24   2
      192.0.2.0/28   0
      192.0.2.64/26  3

    Identities: what an address satisfies, exactly
      IDENTITY  SATISFIES
      1         pods app=web in namespace shop
      2         192.0.2.0/24 except 192.0.2.0/28
      3         192.0.2.0/24 except 192.0.2.0/28
                192.0.2.64/26

    Sets: the rules of one subject and direction (identity 0: all others; set 0: not isolated)
      SET  IDENTITIES  CLASS
      1    1 2         2
           3           3
      2    0           4

    Isolation: the policies by which a set denies what no rule matches
      SET  POLICY
      1    NetworkPolicy shop/db, ingress
      2    NetworkPolicy shop/web, ingress

    Classes: the longest prefix decides (rule 0: by default)
      CLASS  PORTS          VERDICT  RULE
      2      TCP 5432       allow    1
             TCP 8000-8007  allow    1
             TCP 8008-8009  allow    1
      3      any            allow    2
             TCP 5432       allow    1
             TCP 8000-8007  allow    1
             TCP 8008-8009  allow    1
      4      all TCP        allow    3
             TCP 0          deny     0

    Rules
      RULE  IS                                      AT
      1     NetworkPolicy shop/db, ingress rule 1   test.yaml:22:7
      2     NetworkPolicy shop/db, ingress rule 2   test.yaml:24:7
      3     NetworkPolicy shop/web, ingress rule 1  test.yaml:32:13
    "
  `);
});

test('a program as data has the same rows and survives JSON', () => {
  const description = describeProgram(program);
  expect(JSON.parse(JSON.stringify(description))).toEqual(description);
  expect(description.rules.map(({ id }) => id)).toEqual([...program.rules.keys()]);
  expect(description.addresses).toHaveLength(program.addresses.size);
  expect(description.classes.flatMap(({ entries }) => entries)).toHaveLength(
    program.classes.values().reduce((sum, { ports }) => sum + ports.length, 0),
  );
});

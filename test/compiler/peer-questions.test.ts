import { expect, test } from 'vitest';
import { Compiler } from '../../src/compiler/compiler.ts';
import { peerQuestions } from '../../src/compiler/peer-questions.ts';
import { parseCidr } from '../../src/objects/ip.ts';
import type { Peer } from '../../src/policy/ir.ts';
import { fromManifests, ingressPolicy, pod } from './cluster.ts';

const position = { file: 'test', line: 1, column: 1 };

function cidr(text: string) {
  const parsed = parseCidr(text);
  if (!parsed) throw new Error(`${text} is no prefix`);
  return parsed;
}

function block(text: string, ...except: string[]): Peer {
  return { kind: 'ipBlock', cidr: cidr(text), except: except.map(cidr), position };
}

/** What each asks, in words. */
function asked(...peers: Peer[]): string[] {
  return peerQuestions(peers).map((question) =>
    question.kind === 'pods' ? 'pods' : question.blocks.map(({ cidr: { text } }) => text).join(' or '),
  );
}

test('all blocks of a rule are one question, but for those with holes', () => {
  const pods: Peer = {
    kind: 'pods',
    namespaces: { kind: 'name', name: 'shop' },
    pods: { matchLabels: {}, matchExpressions: [] },
    position,
  };
  const holed = block('10.0.0.0/8', '10.1.0.0/16');
  expect(asked(block('192.0.2.0/24'), holed, pods, block('2001:db8::/32'))).toEqual([
    '10.0.0.0/8',
    'pods',
    '192.0.2.0/24 or 2001:db8::/32',
  ]);
});

test('a hole that takes nothing away is none, and one that takes everything leaves no question', () => {
  expect(asked(block('192.0.2.0/24'), block('10.0.0.0/8', '172.16.0.0/12'))).toEqual([
    '192.0.2.0/24 or 10.0.0.0/8',
  ]);
  expect(asked(block('192.0.2.0/24', '192.0.0.0/16'))).toEqual([]);
});

test('a block twice, and in another of its rule, tells nobody apart', () => {
  const rules = `[{ from: [
    { ipBlock: { cidr: 10.0.0.0/8 } }, { ipBlock: { cidr: 10.0.0.0/8 } },
    { ipBlock: { cidr: 10.1.0.0/16 } }, { ipBlock: { cidr: 192.0.2.0/24 } }] }]`;
  const { cluster, policies } = fromManifests(
    pod({ name: 'db', app: 'db', ip: '10.244.1.20' }),
    ingressPolicy('db', 'db', rules),
  );
  const { cidrs } = new Compiler().compile(cluster, policies);
  expect(new Set(cidrs.map(({ identity }) => identity)).size).toBe(1);
});

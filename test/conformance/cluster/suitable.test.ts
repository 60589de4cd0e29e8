/** What of the corpus a cluster can be asked, and what it can't. */
import { expect, test } from 'vitest';
import { misplaced } from '../../../src/conformance/cluster/blocks.ts';
import { reasonAgainst } from '../../../src/conformance/cluster/suitable.ts';
import { readCorpus } from '../../../src/conformance/corpus.ts';
import type { Models } from '../../../src/conformance/models.ts';
import { World } from '../../../src/conformance/world.ts';
import { parseAddress } from '../../../src/objects/ip.ts';

const { models, cases } = readCorpus();

test('only cases are left out that need what an API server can’t be told', () => {
  const left = cases.flatMap((given) => {
    const reason = reasonAgainst(given);
    return reason === undefined ? [] : [`${given.id}: ${reason}`];
  });
  expect(left).toEqual([
    'corner-16: it has pods of the host network',
    "corner-25: a pod's phase is the kubelet's",
    "corner-28: a pod's phase is the kubelet's",
    'corner-51: the API server knows no extensions/v1beta1',
    'e2e-46: pods send only TCP and UDP',
    'e2e-47: pods send only TCP and UDP',
    'e2e-48: pods send only TCP and UDP',
  ]);
});

/** z/c at one address, and those of its node where `others` says. */
function placed(others: Readonly<Record<string, string>>): Models {
  const pods = [...models.pods].map(([key, place]) => {
    const address = parseAddress(others[key] ?? '');
    return [key, address ? { ...place, addresses: [address] } : place] as const;
  });
  return { ...models, pods: new Map(pods) };
}

function wrongOf(id: string, real: Models): readonly string[] | undefined {
  const given = cases.find((one) => one.id === id);
  if (!given) throw new Error(`no case ${id}`);
  const worlds = { model: World.before(given, models, 'ipv4'), real: World.before(given, real, 'ipv4') };
  return misplaced(given, worlds);
}

test('blocks hold the same pods at other addresses, or it is known which of them must move', () => {
  // Its blocks leave eight and four bits of z/c's address open.
  expect(wrongOf('cyclonus-peers-011', models)).toBeUndefined();
  const three = { 'y/c': '10.9.2.33', 'z/b': '10.9.2.34', 'z/c': '10.9.2.35' };
  const all = { ...three, 'x/b': '10.9.2.3', 'y/a': '10.9.2.4' };
  expect(wrongOf('cyclonus-peers-011', placed(all))).toBeUndefined();
  expect(wrongOf('cyclonus-peers-011', placed({ ...all, 'y/a': '10.9.2.36' }))).toEqual(['y/a']);
  expect(wrongOf('cyclonus-peers-011', placed({ ...all, 'z/b': '10.9.2.50' }))).toEqual([
    'y/c',
    'z/b',
    'z/c',
  ]);
  expect(wrongOf('cyclonus-peers-011', placed(three))).toEqual(['x/b', 'y/a', 'y/c', 'z/b', 'z/c']);
  // One without blocks.
  expect(wrongOf('e2e-01', placed(three))).toBeUndefined();
});

/** The nftables engine gone wrong; caught by its rules, interpreted. */
import { byCases } from './checked-bug.ts';
import type { CheckedBug } from './checked-bug.ts';
import type { SeededBugs } from './seeded-bug.ts';

const inRules = (file: string, from: string, to: string, ...cases: readonly string[]): CheckedBug => ({
  file: `src/datapath/nftables/${file}`,
  from,
  to,
  caughtBy: cases.length > 0 ? byCases('nftables', cases) : { kind: 'packets' },
});

export const nftablesBugs: SeededBugs<CheckedBug> = {
  'only IPv4 is led into the rules': inRules(
    'chains.ts',
    'return families.map((family) => ({\n    expressions: [...isFamily(family), goto(',
    'return families.slice(0, 1).map((family) => ({\n    expressions: [...isFamily(family), goto(',
    'e2e-01',
  ),
  'what no entry covers passes': inRules(
    'judge-chains.ts',
    "const denial: Rule = { expressions: [goto(deniedTo(at, direction, 'default-deny'))] };",
    "const denial: Rule = { expressions: [goto(allowedTo(at, direction, 'not-isolated'))] };",
    'e2e-14',
  ),
  'who may send needs no permission to arrive': inRules(
    'judge-chains.ts',
    "[...find(at, ['ingress', 'destination']), goto(chainAt(at, 'ingress'))]",
    "[...find(at, ['ingress', 'destination']), allow]",
    'e2e-01',
  ),
  'the port that a packet comes from is judged': inRules(
    'steps.ts',
    'offset: at.reply ? 0 : 2, length: 2',
    'offset: at.reply ? 2 : 0, length: 2',
    'e2e-14',
  ),
  'a range of ports takes its neighbour in': inRules(
    'port-ranges.ts',
    'last: entry.port + 2 ** (portBits - entry.prefixLength) - 1,',
    'last: entry.port + 2 ** (portBits - entry.prefixLength),',
    'corner-15',
  ),
  'what lies before a prefix in another is forgotten': inRules(
    'address-ranges.ts',
    '    emit(cidr.bits - 1n);\n',
    '',
    'corner-10',
    'corner-14',
  ),
  'packets stay in the version that a change was not made in': inRules(
    'ruleset.ts',
    'return [...replaceMark(before, next), ...leadTo(next.version)];',
    'return [...replaceMark(before, next), ...leadTo(before.version)];',
    'e2e-20',
    'corner-42',
  ),
  'what a change has brought is swept away with what is gone': inRules(
    'tables.ts',
    '{ remove: sharedEntries(delta.sweep), add: [] },',
    '{ remove: sharedEntries(delta.add), add: [] },',
    'corner-10',
    'corner-33',
  ),
  'a reply passes without conntrack': inRules(
    'chains.ts',
    "return [...hasState('state', established), direction, equals(0, Uint8Array.of(1))];",
    'return [direction, equals(0, Uint8Array.of(0))];',
  ),
  'an ICMP echo is taken for one that belongs to a flow': inRules(
    'sets.ts',
    "bytes(fixed.errors4, 'icmp_type', [3, 4, 5, 11, 12]),\n    bytes(fixed.related4, 'icmp_type', [3, 11, 12]),",
    "bytes(fixed.errors4, 'icmp_type', [3, 4, 5, 8, 11, 12]),\n    bytes(fixed.related4, 'icmp_type', [3, 8, 11, 12]),",
  ),
  'a packet without a whole header is judged by what is there': inRules(
    'judge-chains.ts',
    '{ expressions: [verdict({ jump: wholeChainName(at) })] },',
    '',
  ),
  'neighbours may speak from afar': inRules('chains.ts', 'equals(0, Uint8Array.of(hopLimit)),', ''),
  'a pod may say that it is a router': inRules(
    'chains.ts',
    '...(at.family === 6 ? [routerDiscovery(at)] : []),',
    '',
  ),
  'an address of the pod range that nobody has is let through': inRules(
    'steps.ts',
    'equals(keyRegister, encodeId(unprogrammedIdentity))];',
    'equals(keyRegister, encodeId(unprogrammedIdentity - 1))];',
  ),
};

/** Policies misread or miscompiled; each is caught by cases of the corpus. */
import { byCases } from './checked-bug.ts';
import type { CheckedBug } from './checked-bug.ts';
import type { SeededBugs } from './seeded-bug.ts';

const inCompiler = (file: string, from: string, to: string, ...cases: readonly string[]): CheckedBug => ({
  file: `src/${file}`,
  from,
  to,
  caughtBy: byCases('compiled', cases),
});

const translate = 'dialects/networkpolicy/translate.ts';
const denies = 'denies: members.some(({ isolatedBy }) => isolatedBy !== undefined),';

export const compilerBugs: SeededBugs<CheckedBug> = {
  'the default of policyTypes forgets egress': inCompiler(
    'objects/network-policy.ts',
    "(egress.length > 0 ? ['Ingress', 'Egress'] : ['Ingress'])",
    "['Ingress']",
    'corner-34',
  ),
  'a policy about egress alone isolates for ingress, too': inCompiler(
    translate,
    "policy.policyTypes.includes('Ingress') ?",
    'policy.policyTypes.length > 0 ?',
    'corner-52',
    'e2e-25',
  ),
  'a namespaceSelector and a podSelector of one peer are ORed': inCompiler(
    translate,
    "return [{ kind: 'pods', namespaces, pods: podSelector ?? allPods, position }];",
    `const own: NamespaceMatch = { kind: 'name', name: namespace };
     if (podSelector && namespaceSelector)
       return [{ kind: 'pods', namespaces, pods: allPods, position }, { kind: 'pods', namespaces: own, pods: podSelector, position }];
     return [{ kind: 'pods', namespaces, pods: podSelector ?? allPods, position }];`,
    'e2e-10',
    'corner-33',
  ),
  'a podSelector alone reaches into all namespaces': inCompiler(
    translate,
    ": { kind: 'name', name: namespace };",
    ": { kind: 'selector', selector: allPods };",
    'e2e-23',
    'corner-55',
  ),
  'a range of ports ends before its endPort': inCompiler(
    translate,
    'to: endPort ?? port,',
    'to: endPort === undefined ? port : endPort - 1,',
    'api-02',
    'corner-15',
  ),
  'a protocol without port is no port': inCompiler(
    translate,
    "if (port === undefined) return { kind: 'all', protocol, position };",
    "if (port === undefined) return { kind: 'range', protocol, from: 0, to: 0, position };",
    'e2e-30',
  ),
  'NotIn does not hold where the key is absent': inCompiler(
    'policy/selector.ts',
    'return value === undefined || !requirement.values.includes(value);',
    'return value !== undefined && !requirement.values.includes(value);',
    'corner-37',
  ),
  'NotIn of several values is an OR': inCompiler(
    'policy/selector.ts',
    '|| !requirement.values.includes(value);',
    '|| requirement.values.some((one) => one !== value);',
    'corner-38',
  ),
  'an except is ignored': inCompiler(
    'compiler/cidr-cells.ts',
    'filter((id) => !cut.leaves?.includes(id))',
    'filter(() => true)',
    'e2e-35',
    'corner-08',
  ),
  'an except takes its addresses from other blocks, too': inCompiler(
    'compiler/cidr-cells.ts',
    'filter((id) => !cut.leaves?.includes(id))',
    'filter(() => !cut.leaves)',
    'corner-10',
    'corner-11',
  ),
  'who has some rule is not isolated by it': inCompiler(
    'compiler/subjects.ts',
    denies,
    'denies: members.every(({ rules }) => rules.length === 0),',
    'e2e-03',
    'e2e-14',
  ),
  'a policy without rules isolates nobody': inCompiler(
    'compiler/subjects.ts',
    'rules.length > 0 || isolatedBy)',
    'rules.length > 0)',
    'e2e-01',
    'e2e-02',
  ),
  'a port name of egress is looked up on the source': inCompiler(
    'compiler/subjects.ts',
    "if (direction === 'egress') return sections;",
    '',
    'corner-01',
  ),
  'a port name has one number, wherever it is': inCompiler(
    'compiler/classes.ts',
    "ports.size > 0 ? JSON.stringify([...ports]) : ''",
    "''",
    'corner-02',
  ),
  'the protocol of a port is ignored': inCompiler(
    'compiler/port-table.ts',
    'if (of === protocol) paint(',
    'if (of > 0) paint(',
    'e2e-38',
    'e2e-40',
  ),
  'a port is taken for its neighbour, too': inCompiler(
    'compiler/port-table.ts',
    'bounds.add(range.from).add(range.to + 1);',
    'bounds.add(range.from).add(range.to + 2);',
    'corner-15',
  ),
  'only the first of several peers counts': inCompiler(
    'compiler/sections.ts',
    'peerQuestions(peers)',
    'peerQuestions(peers.slice(0, 1))',
    'e2e-12',
    'corner-33',
  ),
  'addresses of pods are in no block': inCompiler(
    'compiler/compiler.ts',
    '[...own.predicates, ...(cell?.predicates ?? [])]',
    '[...own.predicates]',
    'e2e-34',
    'corner-08',
  ),
};

/** The tables of docs/proof.md and of README.md's section about it, made of the data of the tests. */
import { readdirSync, readFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import type { Case } from '../../src/conformance/case.ts';
import { readCornerCases } from '../../src/conformance/corner-cases.ts';
import { readCorpus } from '../../src/conformance/corpus.ts';
import type { Corpus } from '../../src/conformance/corpus.ts';
import { engines } from '../../src/conformance/engines.ts';
import { table, withTables } from '../../src/conformance/tables.ts';
import type { Campaign } from '../attacks/attack.ts';
import { campaigns } from '../attacks/campaigns.ts';
import { engines as attacked } from '../attacks/engines.ts';
import { faultTables } from '../faults/all-faults.ts';
import { corpusFolder } from '../fuzz/fuzz.ts';
import { bugGroups } from '../seeded-bugs/all-bugs.ts';
import type { BugGroup } from '../seeded-bugs/all-bugs.ts';
import type { CheckedBug } from '../seeded-bugs/checked-bug.ts';
import type { SourceChange } from '../seeded-bugs/seeded-bug.ts';
import { readResults } from '../upstream/upstream-page.ts';

interface Proof {
  readonly corpus: Corpus;
  readonly campaigns: readonly Campaign[];
  readonly bugGroups: readonly BugGroup[];
}

export const proofPages = ['README.md', 'docs/proof.md'] as const;

/** The page as it should be. */
export async function withProof(path: (typeof proofPages)[number]): Promise<string> {
  const page = readFileSync(path, 'utf8');
  const proof = { corpus: readCorpus(), campaigns, bugGroups };
  if (path === 'README.md') {
    const text = withTables(page, new Map([['proof', summary(proof, 'docs/')]]));
    return format(text, { ...(await resolveConfig(path)), parser: 'markdown' });
  }
  const tables = [
    ['summary', summary(proof, '')],
    ['families', familyTable(proof.corpus)],
    ['attacks', attackTable(campaigns)],
    ['kept cases', keptTable()],
    ['seeded bugs', bugTable(bugGroups)],
  ] as const;
  return withTables(page, new Map(tables));
}

const code = (text: string): string => `\`${text}\``;
const number = (count: number): string => count.toLocaleString('en-US');
const sum = <T>(list: readonly T[], of: (one: T) => number): number =>
  list.reduce((total, one) => total + of(one), 0);

/** `docs`: the way there. */
function summary({ corpus, campaigns: tried, bugGroups: seeded }: Proof, docs: string): string {
  const corners = readCornerCases(corpus.cases).length;
  const attacks = sum(tried, (campaign) => campaign.attacks.length);
  const bugs = sum(seeded, (group) => Object.keys(group.bugs).length);
  const cases = `${number(corpus.cases.length)} cases, ${number(runsOf(corpus.cases))} runs`;
  const suites = readResults('docs/upstream');
  const links = {
    conformance: `[Known test cases](${docs}conformance.md): upstream's, Cyclonus', corner cases`,
    semantics: `[Corner cases](${docs}semantics.md) decided, each with reason and test`,
    attacks: `[Attacks](${docs}security.md) that succeed where nobody enforces`,
    upstream: `[Kubernetes' own suite](${docs}upstream.md), on clusters of real nodes`,
    faults: `[Faults](${docs}faults.md) under probes every millisecond`,
    fuzzing: `[Fuzzing](${docs}fuzzing.md): packets, changes, manifests, API objects`,
  };
  return table(
    ['What', 'How many', 'On', 'Command'],
    [
      [
        links.conformance,
        cases,
        `${Object.keys(engines).length} engines, two of them with real packets`,
        code('bulkhead conformance'),
      ],
      [links.semantics, number(corners), 'the definition of policies', code('npm test -- test/policy')],
      [
        links.attacks,
        number(attacks),
        `${attacked.map(({ name }) => name).join(', ')}: real packets`,
        code('npm test -- test/attacks'),
      ],
      [
        'Generated clusters and changes against the definition',
        'others in each run',
        'compiler, nftables rules, eBPF programs',
        code('npm test -- test/compiler test/datapath'),
      ],
      [
        links.upstream,
        `${number(sum(suites, ({ passed }) => passed))} passed, ${number(sum(suites, ({ failed }) => failed))} failed`,
        suites.map(({ properties: { engine, cni } }) => `${engine} with ${cni}`).join(', '),
        code('npm run e2e -- upstream'),
      ],
      [
        links.faults,
        number(sum(Object.values(faultTables), (faults) => faults.length)),
        'agents of either engine, a real API server',
        code('npm test -- test/faults'),
      ],
      [links.fuzzing, 'bounded, or without end', 'readers, compiler, eBPF programs', code('npm run fuzz')],
      [
        'Bugs seeded into the sources, all caught',
        number(bugs),
        'compiler, nftables engine, eBPF programs',
        code('npm test -- test/seeded-bugs test/datapath'),
      ],
    ],
  );
}

function runsOf(cases: readonly Case[]): number {
  return sum(cases, ({ stacks }) => stacks.length);
}

/** Every engine runs every case. */
function familyTable({ cases }: Corpus): string {
  const rows = [...Map.groupBy(cases, ({ family }) => family)].map(([family, members]) => [
    code(family),
    members.length,
    runsOf(members),
  ]);
  const head = ['Family', 'Cases', `Runs on each of ${Object.keys(engines).length} engines`];
  return table(head, [...rows, ['all', cases.length, runsOf(cases)]]);
}

function attackTable(tried: readonly Campaign[]): string {
  const rows = tried.map(({ title, attacks }) => [
    title,
    attacks.length,
    new Set(attacks.flatMap(({ standsFor }) => standsFor)).size,
  ]);
  const all = tried.flatMap(({ attacks }) => attacks);
  const standsFor = new Set(all.flatMap((attack) => attack.standsFor));
  return table(['Campaign', 'Attacks', 'Stands for'], [...rows, ['all', all.length, standsFor.size]]);
}

function keptTable(): string {
  const rows = readdirSync(corpusFolder)
    .sort()
    .flatMap((fuzzer) =>
      readdirSync(`${corpusFolder}/${fuzzer}`)
        .sort()
        .map((file) => [code(fuzzer), file.replace(/\.[a-z]+$/, '').replaceAll('-', ' ')]),
    );
  return table(['Fuzzer', 'Case'], rows);
}

function bugTable(groups: readonly BugGroup[]): string {
  const rows = groups.flatMap(({ part, bugs, caughtBy }) =>
    Object.entries(bugs).map(([name, bug]) => [part, name, code(bug.file), casesOf(bug) ?? caughtBy]),
  );
  return table(['In', 'What goes wrong', 'File', 'Caught by'], rows);
}

function casesOf(bug: SourceChange & Partial<Pick<CheckedBug, 'caughtBy'>>): string | undefined {
  return bug.caughtBy?.kind === 'cases' ? bug.caughtBy.cases.map(code).join(', ') : undefined;
}

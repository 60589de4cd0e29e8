/** What Kubernetes' own suite says of its cases, and the short form of it that is kept: JUnit without its logs. */
import { escapeMarkup } from '../../src/cli/render/markup.ts';

/** The part that is read here of the report that Ginkgo, upstream's test framework, writes. */
interface GinkgoReport {
  readonly SpecReports: readonly {
    readonly ContainerHierarchyTexts?: readonly string[] | null;
    readonly LeafNodeType: string;
    readonly LeafNodeText: string;
    readonly State: string;
    /** Nanoseconds. */
    readonly RunTime: number;
    readonly Failure?: { readonly Message: string };
  }[];
}

export interface SuiteCase {
  readonly name: string;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  readonly seconds: number;
  readonly message: string;
}

/** Sorted by name: they run in random order. */
export function readGinkgoReport(text: string): readonly SuiteCase[] {
  const [report] = JSON.parse(text) as readonly GinkgoReport[];
  if (!report) throw new Error('the suite left an empty report');
  const cases = report.SpecReports.map((spec): SuiteCase => {
    const words = [...(spec.ContainerHierarchyTexts ?? []), spec.LeafNodeText || spec.LeafNodeType];
    return {
      name: words.join(' '),
      outcome: spec.State === 'passed' ? 'passed' : spec.State === 'skipped' ? 'skipped' : 'failed',
      seconds: spec.RunTime / 1e9,
      message: spec.Failure?.Message ?? '',
    };
  });
  // Set-up and tear-down of the suite are reported as if they were cases; only their failures matter.
  const isCase = (_: SuiteCase, index: number): boolean => report.SpecReports[index]?.LeafNodeType === 'It';
  return cases
    .filter((one, index) => isCase(one, index) || one.outcome === 'failed')
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** On what the cases ran, as names and values. */
export type Circumstances = Readonly<Record<string, string>>;

export function renderSuiteJunit(on: Circumstances, cases: readonly SuiteCase[]): string {
  const count = (outcome: SuiteCase['outcome']): number =>
    cases.filter((one) => one.outcome === outcome).length;
  const seconds = cases.reduce((sum, one) => sum + one.seconds, 0);
  const totals = `tests="${cases.length}" failures="${count('failed')}" skipped="${count('skipped')}" time="${seconds.toFixed(3)}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${totals}>`,
    `  <testsuite name="Kubernetes network policies" ${totals}>`,
    '    <properties>',
    ...Object.entries(on).map(
      ([name, value]) => `      <property name="${name}" value="${escapeMarkup(value)}"/>`,
    ),
    '    </properties>',
    ...cases.map(renderCase),
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

function renderCase({ name, outcome, seconds, message }: SuiteCase): string {
  const head = `    <testcase name="${escapeMarkup(name)}" time="${seconds.toFixed(3)}"`;
  if (outcome === 'passed') return `${head}/>`;
  if (outcome === 'skipped') return `${head}><skipped/></testcase>`;
  return `${head}><failure>${escapeMarkup(message)}</failure></testcase>`;
}

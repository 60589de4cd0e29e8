/** The table of docs/upstream.md, made of the results in docs/upstream/. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

export interface SuiteResult {
  readonly file: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly seconds: number;
}

/** As `renderSuiteJunit` writes them. */
export function readResults(folder: string): readonly SuiteResult[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.xml'))
    .toSorted()
    .map((file) => readResult(file, readFileSync(join(folder, file), 'utf8')));
}

function readResult(file: string, text: string): SuiteResult {
  const properties = [...text.matchAll(/<property name="(.*?)" value="(.*?)"\/>/g)].map(
    ([, name = '', value = '']) => [name, value] as const,
  );
  const cases = [...text.matchAll(/<testcase .*?(?:\/>|<\/testcase>)/gs)].map(([one]) => one);
  const failed = cases.filter((one) => one.includes('<failure>')).length;
  const skipped = cases.filter((one) => one.includes('<skipped/>')).length;
  const seconds = Number(/<testsuite .*?time="([\d.]+)"/.exec(text)?.[1]);
  return {
    file,
    properties: Object.fromEntries(properties),
    passed: cases.length - failed - skipped,
    failed,
    skipped,
    seconds,
  };
}

const begin = '<!-- table: results -->\n';
const end = '<!-- end: results -->';

/** The page with its table replaced. */
export function withResults(page: string, results: readonly SuiteResult[]): string {
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error('docs/upstream.md has no place for the results');
  return `${page.slice(0, from + begin.length)}\n${table(results)}\n${page.slice(to)}`;
}

function table(results: readonly SuiteResult[]): string {
  const rows = results.map(({ file, properties, passed, failed, skipped, seconds }) => {
    const { engine, cni, kubernetes, kernel } = properties;
    const each = (seconds / (passed + failed)).toFixed(1);
    return `| ${[engine, cni, passed, failed, skipped, `${each} s`, kubernetes, kernel, `[${file}](upstream/${file})`].join(' | ')} |`;
  });
  return [
    '| Engine | CNI | Passed | Failed | Left out | A case takes | Kubernetes | Linux | Result |',
    '| --- | --- | --: | --: | --: | --: | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}

/** Mistakes in case files are found when they are read, or when the case runs; none passes for a case that agrees. */
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { decodeCases } from '../../src/conformance/decode-case.ts';
import { readCorpus } from '../../src/conformance/corpus.ts';
import { reference } from '../../src/conformance/engines/reference.ts';
import { conformanceReport } from '../../src/conformance/report.ts';
import { runCorpus } from '../../src/conformance/run.ts';

const { models } = readCorpus();

const caseOf = (rest: string) => `
family: test
cases:
  - id: one
    title: A case
    pods: [x/a, x/b, y/a]
    ports: [80/TCP]
${rest.replaceAll(/^/gm, '    ')}
`;

function decode(text: string) {
  return decodeCases(parse(text), 'test.yaml', models);
}

async function run(steps: string) {
  const corpus = { models, cases: decode(caseOf(`steps:\n${steps}`)) };
  const results = await runCorpus({ engine: reference, corpus, stacks: ['ipv4'], via: 'pod-ip' });
  const [result] = conformanceReport(results, { engine: 'reference', via: 'pod-ip', ms: 0 }).cases;
  return { outcome: result?.outcome, texts: result?.differences.map(({ text }) => text) ?? [] };
}

const deny = '{ create policy x/p: { podSelector: {}, policyTypes: [Ingress] } }';

describe('a case file', () => {
  it.each([
    ['stepz: []', 'test.yaml: one: unknown field stepz'],
    ['steps: []', 'test.yaml: one: has no steps'],
    ['stacks: [ipv5]\nsteps: [{ expect: [] }]', 'ipv5 is none of ipv4, ipv6, dual'],
    ['probe: [80]\nsteps: [{ expect: [] }]', 'probe must be a list of texts'],
    ['probe: [80/XYZ]\nsteps: [{ expect: [] }]', '80/XYZ is no port'],
    ['model: seven\nsteps: [{ expect: [] }]', 'models.yaml has no model seven'],
    ['steps: [{ expect: [deny from x/a] }]', 'not a line of a truth table'],
    ['steps: [{ change: [{ destroy policy x/p: {} }] }]', 'nobody knows how to do that'],
    ['steps: [{ change: [{ create policy: {} }] }]', 'a change is one key'],
    ['steps: [{ change: [{ create pod x/p: { nod: node-1 } }] }]', 'unknown field nod'],
    ['steps: [{ change: [{ label pod x/a: { a: 1 } }] }]', 'a must be text or null'],
    ['steps: [{ change: [{ delete pod x/a: { now: true } }] }]', 'takes no value'],
  ])('is refused: %j', (rest, message) => {
    expect(() => decode(caseOf(rest))).toThrow(message);
  });

  it.each([
    [`  - change: [${deny}, ${deny}]`, 'it exists already'],
    ['  - change: [{ update policy x/p: {} }]', 'there is no such object'],
    ['  - change: [{ delete pod x/z: }]', 'there is no such object'],
    ['  - change: [{ create pod w/a: { node: node-1, host: 9 } }]', 'there is no namespace w'],
    ['  - change: [{ create pod x/n: { node: node-1 } }]', 'needs a node and a host'],
    ['  - change: [{ create policy x/p: { podSelectr: {} } }]', 'POLICY_UNKNOWN_FIELD'],
    [
      '  - change: [{ create policy x/p: { ingress: [{ from: [{ ipBlock: { cidr: <x/z>/8 } }] }] } }]',
      'nobody is called x/z',
    ],
    ['  - expect: [deny from z/a to x/a]', 'no cell fits the line: deny from z/a to x/a'],
  ])('fails when it runs: %s', async (step, message) => {
    const { outcome, texts } = await run(step);
    expect(outcome).toBe('failed');
    expect(texts.join()).toContain(message);
  });

  it('fails where cells differ, and says which', async () => {
    expect(await run(`  - change: [${deny}]\n    expect: [deny from y/a to x/*]`)).toEqual({
      outcome: 'failed',
      texts: [
        'x/a → x/b 80/TCP IPv4: expected allowed, was denied',
        'x/b → x/a 80/TCP IPv4: expected allowed, was denied',
      ],
    });
  });

  it('fails where what should be refused is not, or for another reason', async () => {
    const refusal = (change: string, because: string) =>
      `  - refused: [{ change: ${change}, because: ${because} }]`;
    expect((await run(refusal(deny, 'it is bad'))).texts).toEqual([
      'create policy x/p: not refused, though it is bad',
    ]);
    const typo = '{ create policy x/p: { podSelectr: {} } }';
    expect((await run(refusal(typo, 'it is bad'))).texts[0]).toContain(
      'refused, but for another reason than "it is bad"',
    );
    expect((await run(`${refusal(typo, 'podSelectr')}\n    expect: []`)).outcome).toBe('passed');
  });
});

import { describe, expect, it } from 'vitest';
import { readCorpus } from '../../src/conformance/corpus.ts';

const { cases } = readCorpus();
const inFamily = (family: string) => cases.filter((one) => one.family === family);

describe('the corpus', () => {
  it.each([
    ['e2e', 48],
    ['api', 2],
    ['cyclonus-target', 6],
    ['cyclonus-rules', 4],
    ['cyclonus-peers', 112],
    ['cyclonus-ports', 70],
    ['cyclonus-example', 1],
    ['cyclonus-action', 6],
    ['cyclonus-conflict', 16],
    ['cyclonus-namespace', 2],
    ['cyclonus-upstream', 13],
  ])('has all cases of %s: %i', (family, count) => {
    expect(inFamily(family)).toHaveLength(count);
  });

  it('has the 230 cases of Cyclonus', () => {
    expect(cases.filter(({ family }) => family.startsWith('cyclonus-'))).toHaveLength(230);
  });

  it("numbers upstream's cases and says what upstream calls them", () => {
    const numbers = Array.from({ length: 48 }, (_, index) => `e2e-${String(index + 1).padStart(2, '0')}`);
    expect(inFamily('e2e').map(({ id }) => id)).toEqual(numbers);
    const names = [...inFamily('e2e'), ...inFamily('api')].map(({ upstream }) => upstream);
    expect(names).not.toContain(undefined);
    expect(new Set(names).size).toBe(50);
  });

  it('runs every case on IPv4, IPv6 and both, but for those that are about one of them', () => {
    const restricted = cases
      .filter(({ stacks }) => stacks.length < 3)
      .map(({ id, stacks }) => `${id} ${stacks.join()}`);
    expect(restricted).toEqual([
      'corner-12-ipv4 ipv4',
      'corner-12-ipv6 ipv6',
      'corner-13-ipv4 ipv4',
      'corner-13-ipv6 ipv6',
      'corner-14 dual',
    ]);
  });

  it('denies something in all cases but those about allowing all', () => {
    const open = cases.filter(({ steps }) =>
      steps.every(({ expect: lines }) => lines.every(({ allow }) => allow)),
    );
    expect(open.map(({ id }) => id)).toEqual([
      'cyclonus-conflict-03',
      'cyclonus-conflict-04',
      'cyclonus-conflict-05',
      'cyclonus-conflict-07',
      'cyclonus-conflict-09',
      'cyclonus-conflict-11',
      'cyclonus-upstream-05',
      'e2e-05',
      'e2e-16',
    ]);
  });
});

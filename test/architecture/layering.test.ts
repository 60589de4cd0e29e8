import { describe, expect, test } from 'vitest';
import { readSources, sourceFile, type SourceFile } from './sources.ts';

/**
 * Which parts of src/ each part may import besides itself: data flows one way, from manifests to packets, and what
 * explains it reads back. A part is a folder of src/, or one folder deeper where that has rules of its own.
 */
const engine = [
  'errors.ts',
  'objects',
  'sources',
  'policy',
  'dialects',
  'compiler',
  'datapath',
  'datapath/ebpf',
  'datapath/nftables',
];
const belowLab = [...engine, 'kernel', 'analyze', 'kubernetes', 'agent', 'observe'];

const mayImport: Readonly<Record<string, readonly string[]>> = {
  'errors.ts': [],
  objects: ['errors.ts'],
  kubernetes: ['errors.ts'],
  sources: ['errors.ts', 'objects', 'kubernetes'],
  policy: ['errors.ts', 'objects'],
  dialects: ['errors.ts', 'objects', 'policy'],
  compiler: ['errors.ts', 'objects', 'policy'],
  kernel: ['errors.ts', 'objects'],
  datapath: ['errors.ts', 'objects', 'policy', 'compiler'],
  'datapath/ebpf': ['errors.ts', 'objects', 'policy', 'compiler', 'datapath', 'kernel'],
  'datapath/nftables': ['errors.ts', 'objects', 'policy', 'compiler', 'datapath', 'kernel'],
  analyze: ['errors.ts', 'objects', 'sources', 'policy', 'dialects', 'compiler'],
  // The CNI plugin: it starts by itself, for each pod, and loads nothing that it does not need.
  gate: [],
  agent: [...engine, 'kernel', 'kubernetes', 'analyze', 'observe', 'gate'],
  observe: ['errors.ts', 'objects', 'policy', 'compiler', 'datapath', 'analyze'],
  operate: [...engine, 'kubernetes', 'analyze', 'agent', 'observe'],
  doctor: [
    'errors.ts',
    'objects',
    'policy',
    'sources',
    'kubernetes',
    'datapath',
    'datapath/ebpf',
    'kernel',
    'agent',
  ],
  lab: belowLab,
  conformance: [...belowLab, 'lab'],
  bench: [...belowLab, 'lab'],
  cli: [...belowLab, 'operate', 'lab', 'conformance', 'doctor'],
};

function partOf(path: string): string {
  const [, first = '', second = ''] = path.split('/');
  const nested = `${first}/${second}`;
  return nested in mayImport ? nested : first;
}

/** Benchmarks of a whole agent need a real API server, which is where tests have theirs. */
const testClusters = 'test/cluster/';

function violations(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => {
    const part = partOf(file.path);
    const allowed = mayImport[part];
    if (allowed === undefined) return [`${file.path}: src/${part} has no place in the layering`];
    return file.imports
      .filter(
        (imported) =>
          partOf(imported) !== part &&
          !(imported.startsWith('src/') && allowed.includes(partOf(imported))) &&
          !(part === 'bench' && imported.startsWith(testClusters)),
      )
      .map((imported) => `${file.path} imports ${imported}`);
  });
}

/** The first cycle found by depth-first search, as a list of paths that begins and ends with the same file. */
function findCycle(files: readonly SourceFile[]): string[] | undefined {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): string[] | undefined => {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path];
    if (done.has(path)) return undefined;
    for (const next of byPath.get(path)?.runtimeImports ?? []) {
      const cycle = visit(next, [...trail, path]);
      if (cycle) return cycle;
    }
    done.add(path);
    return undefined;
  };
  for (const { path } of files) {
    const cycle = visit(path, []);
    if (cycle) return cycle;
  }
  return undefined;
}

const files = readSources('src');

describe('layering', () => {
  test('finds the files it judges', () => {
    expect(files.map((file) => file.path)).toContain('src/policy/ir.ts');
    expect(files.flatMap((file) => file.imports)).toContain('src/objects/model.ts');
  });

  test('imports between the parts of src/ follow one direction', () => {
    expect(violations(files)).toEqual([]);
  });

  test('no import cycles at run time', () => {
    expect(findCycle(files)).toBeUndefined();
  });

  test('only cli, bench and conformance import lab, and nothing imports cli', () => {
    const importersOf = (part: string) =>
      new Set(
        files
          .filter((file) => file.imports.some((path) => partOf(path) === part))
          .map((file) => partOf(file.path)),
      );
    expect(
      [...importersOf('lab')].filter((part) => !['cli', 'lab', 'bench', 'conformance'].includes(part)),
    ).toEqual([]);
    expect([...importersOf('cli')].filter((part) => part !== 'cli')).toEqual([]);
  });
});

describe('the layering test itself', () => {
  test.each([
    ['a static import', "import { a } from '../lab/daemon.ts';"],
    ['a type import', "import type { A } from '../lab/daemon.ts';"],
    ['an import for its effect', "import '../lab/daemon.ts';"],
    ['a dynamic import', "const lab = await import('../lab/daemon.ts');"],
    ['a re-export', "export * from '../lab/daemon.ts';"],
    ['an import over several lines', "import {\n  a,\n  b,\n} from '../lab/daemon.ts';"],
  ])('sees %s', (_, text) => {
    expect(violations([sourceFile('src/policy/evaluate.ts', text)])).toEqual([
      'src/policy/evaluate.ts imports src/lab/daemon.ts',
    ]);
  });

  test('sees an import that leaves src/', () => {
    expect(violations([sourceFile('src/policy/evaluate.ts', "import '../../test/x.ts';")])).toHaveLength(1);
  });

  test('sees a folder nobody has placed', () => {
    expect(violations([sourceFile('src/misc/x.ts', '')])).toHaveLength(1);
  });

  test('does not take a comment for an import', () => {
    expect(
      violations([sourceFile('src/policy/evaluate.ts', "/**\n * import '../lab/daemon.ts'\n */\n")]),
    ).toEqual([]);
  });

  test('sees a cycle', () => {
    const a = sourceFile('src/policy/a.ts', "import './b.ts';");
    const b = sourceFile('src/policy/b.ts', "import './a.ts';");
    expect(findCycle([a, b])).toEqual(['src/policy/a.ts', 'src/policy/b.ts', 'src/policy/a.ts']);
    expect(findCycle([a, sourceFile('src/policy/b.ts', "import type { A } from './a.ts';")])).toBeUndefined();
  });
});

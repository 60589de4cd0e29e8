import { describe, expect, test } from 'vitest';
import { Compiler } from '../../src/compiler/compiler.ts';
import { nodeTables } from '../../src/compiler/node-tables.ts';
import { formatProgram } from '../../src/compiler/print.ts';
import type { Program } from '../../src/compiler/program.ts';
import { fromManifests, ingressPolicy, pod } from './cluster.ts';
import type { State } from './cluster.ts';

const web = pod({ name: 'web', app: 'web', ip: '10.244.1.10' });
const db = pod({ name: 'db', app: 'db', ip: '10.244.1.20' });
const from = (app: string, port = 80) =>
  `[{ from: [{ podSelector: { matchLabels: { app: ${app} } } }], ports: [{ port: ${port} }] }]`;

function compile({ cluster, policies }: State, compiler = new Compiler()): Program {
  return compiler.compile(cluster, policies);
}

function entryOf(program: Program, name: string) {
  const entry = program.addresses
    .values()
    .find(({ owner }) => owner.kind === 'pod' && owner.pod === `shop/${name}`);
  if (!entry) throw new Error(`no pod ${name}`);
  return entry;
}

describe('identities', () => {
  test('labels that no selector mentions never matter', () => {
    const apps = ['a', 'b', 'c'].map((app, index) => pod({ name: app, app, ip: `10.244.1.${30 + index}` }));
    const program = compile(fromManifests(web, db, ...apps, ingressPolicy('db', 'db', from('web'))));
    expect(['a', 'b', 'c', 'db'].map((name) => entryOf(program, name).identity)).toEqual([0, 0, 0, 0]);
    expect(entryOf(program, 'web').identity).not.toBe(0);
  });

  test('a policy that selects nobody tells no peers apart', () => {
    const program = compile(fromManifests(web, db, ingressPolicy('none', 'none', from('web'))));
    expect(program.identities.size).toBe(0);
    expect(program.rules.size).toBe(1);
  });

  test('equal selectors count once, in whatever order they are written', () => {
    const either = (values: string) =>
      `[{ from: [{ podSelector: { matchExpressions: [{ key: app, operator: In, values: ${values} }] } }] }]`;
    const program = compile(
      fromManifests(
        web,
        db,
        ingressPolicy('one', 'db', either('[web, db]')),
        ingressPolicy('two', 'web', either('[db, web]')),
      ),
    );
    expect([...program.identities.values()].map(({ predicates }) => predicates.length)).toEqual([1]);
  });
});

describe('sets', () => {
  test('pods with the same effective policy share one', () => {
    const state = fromManifests(
      pod({ name: 'db-1', app: 'db', ip: '10.244.1.20' }),
      pod({ name: 'db-2', app: 'db', ip: '10.244.1.21' }),
      ingressPolicy('db', 'db', from('db')),
    );
    const program = compile(state);
    expect(program.sets.size).toBe(1);
    expect(entryOf(program, 'db-1').ingressSet).toBe(entryOf(program, 'db-2').ingressSet);
    expect(entryOf(program, 'db-1').egressSet).toBe(0);
  });

  test('a default deny without rules has no classes at all', () => {
    const program = compile(fromManifests(db, ingressPolicy('closed', 'db', '[]')));
    const set = program.sets.get(entryOf(program, 'db').ingressSet);
    expect(set?.classes.size).toBe(0);
    expect(set?.isolatedBy.map(({ name }) => name)).toEqual(['closed']);
  });
});

describe('sizes', () => {
  const list = (items: readonly string[]) => `[${items.join(', ')}]`;
  const anyOf = (apps: readonly string[]) =>
    list(apps.map((app) => `{ podSelector: { matchLabels: { app: ${app} } } }`));
  const fivePorts = list([1, 3, 5, 7, 9].map((port) => `{ port: ${port} }`));

  /** n clients, told apart by their selectors, may reach the database on five ports; and what else `policies` say. */
  function sizes(n: number, policies: (apps: readonly string[]) => string[] = () => []) {
    const apps = Array.from({ length: n }, (_, index) => `c${index}`);
    const clients = apps.map((app, index) => pod({ name: app, app, ip: `10.244.1.${100 + index}` }));
    const database = ingressPolicy('db', 'db', `[{ from: ${anyOf(apps)}, ports: ${fivePorts} }]`);
    const program = compile(fromManifests(web, db, ...clients, database, ...policies(apps)));
    const tables = nodeTables(program, 'node-1', []);
    return {
      program: {
        rows: program.sets.values().reduce((sum, { classes }) => sum + classes.size, 0),
        prefixes: program.classes.values().reduce((sum, { ports }) => sum + ports.length, 0),
      },
      node: { rows: tables.classes.size, prefixes: tables.ports.size },
    };
  }

  test('entries grow as identities + classes × prefixes, not as identities × prefixes', () => {
    expect(sizes(20).program).toEqual({ rows: 20, prefixes: 5 });
    expect(sizes(40).program).toEqual({ rows: 40, prefixes: 5 });
  });

  test('on a node they grow as what its pods tell apart', () => {
    expect(sizes(20).node).toEqual({ rows: 1, prefixes: 5 });
    expect(sizes(40).node).toEqual({ rows: 1, prefixes: 5 });
    // The web server takes half of the clients: two groups for the database, one of them for the web server.
    const half = (apps: readonly string[]) => [
      ingressPolicy('web', 'web', `[{ from: ${anyOf(apps.slice(apps.length / 2))} }]`),
    ];
    expect(sizes(20, half).node).toEqual({ rows: 3, prefixes: 6 });
  });

  test('a node holds what its own pods need, and all addresses', () => {
    const state = fromManifests(web, db, ingressPolicy('db', 'db', from('web')));
    const tables = nodeTables(compile(state), 'elsewhere', []);
    expect([tables.classes.size, tables.ports.size]).toEqual([0, 0]);
    expect([...tables.addresses.values()].map(({ value }) => value)).toEqual(
      [...state.cluster.pods.keys(), 'node'].map(() => ({
        identity: 0,
        ingressSet: 0,
        egressSet: 0,
        role: 'remote',
      })),
    );
  });
});

describe('ids', () => {
  const policies = {
    a: ingressPolicy('a', 'db', from('web')),
    b: ingressPolicy('b', 'web', from('db', 443)),
  };
  const both = fromManifests(web, db, policies.a, policies.b);
  const onlyB = fromManifests(web, db, policies.b);

  test('equal content keeps them; new content gets fresh ones', () => {
    const compiler = new Compiler();
    const [first, same, changed] = [
      both,
      both,
      fromManifests(web, db, ingressPolicy('a', 'db', from('web', 81)), policies.b),
    ].map((state) => compile(state, compiler));
    expect(same).toEqual(first);
    expect(changed && entryOf(changed, 'web')).toEqual(first && entryOf(first, 'web'));
    expect(first?.sets.has(changed ? entryOf(changed, 'db').ingressSet : 0)).toBe(false);
  });

  test('those of sets, identities and classes are never given again', () => {
    const compiler = new Compiler();
    const seen = [both, onlyB, onlyB, both].map((state) => compile(state, compiler));
    const gone = (pick: (program: Program) => Iterable<number>) => {
      const [first, without, , last] = seen.map((program) => new Set(pick(program)));
      const lost = first?.difference(without ?? new Set()) ?? new Set();
      return { lost: lost.size, back: last?.intersection(lost).size };
    };
    expect(gone(({ sets }) => sets.keys())).toEqual({ lost: 1, back: 0 });
    expect(gone(({ classes }) => classes.keys())).toEqual({ lost: 1, back: 0 });
    expect(gone(({ identities }) => identities.keys())).toEqual({ lost: 1, back: 0 });
  });

  test('those of rules are given again once two programs in a row have done without', () => {
    const compiler = new Compiler();
    const onlyC = fromManifests(web, db, ingressPolicy('c', 'db', from('web')));
    const ids = (state: State) =>
      [...compile(state, compiler).rules].map(([id, origin]) => `${origin.name}=${id}`).sort();
    expect(ids(both)).toEqual(['a=1', 'b=2']);
    expect(ids(onlyC)).toEqual(['c=3']);
    expect(ids(both)).toEqual(['a=4', 'b=5']);
    expect(ids(onlyC)).toEqual(['c=1']);
  });
});

test('a fresh compile does not depend on the order of anything', () => {
  const documents = [web, db, ingressPolicy('a', 'db', from('web')), ingressPolicy('b', 'web', from('db'))];
  const [forward, backward] = [fromManifests(...documents), fromManifests(...documents)].map(
    (state, index) =>
      index === 0
        ? compile(state)
        : compile({
            policies: state.policies.toReversed(),
            cluster: { ...state.cluster, pods: new Map([...state.cluster.pods].toReversed()) },
          }),
  );
  expect(backward).toEqual(forward);
  expect(backward && formatProgram(backward)).toBe(forward && formatProgram(forward));
});

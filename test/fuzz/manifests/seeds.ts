/** What is mutated: the documents of the examples, the policies of the conformance corpus, and pods for these, each as text. */
import { globSync, readFileSync } from 'node:fs';
import { isMap, isScalar, parseAllDocuments, visit } from 'yaml';
import { printYaml } from './print-yaml.ts';

export const seedDocuments: readonly string[] = [...exampleDocuments(), ...corpusPolicies()];

/** Namespaces and pods as the policies of the corpus know them. */
export const corpusPods: readonly string[] = ['x', 'y', 'z'].flatMap((namespace, row) => [
  printYaml({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: namespace, labels: { ns: namespace } },
  }),
  ...['a', 'b', 'c'].map((name, column) => corpusPod({ namespace, name, host: 10 * row + column + 2 })),
]);

function corpusPod({ namespace, name, host }: { namespace: string; name: string; host: number }): string {
  const ports = [80, 81].flatMap((containerPort) =>
    (['TCP', 'UDP', 'SCTP'] as const).map((protocol) => {
      return { name: `serve-${containerPort}-${protocol.toLowerCase()}`, containerPort, protocol };
    }),
  );
  return printYaml({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace, name, labels: { pod: name } },
    spec: { containers: [{ name: 'serve', image: 'serve', ports }] },
    status: { phase: 'Running', podIPs: [{ ip: `10.244.1.${host}` }, { ip: `fd00:10:244:1::${host}` }] },
  });
}

function exampleDocuments(): string[] {
  return globSync('examples/**/*.yaml')
    .sort()
    .flatMap((file) => readFileSync(file, 'utf8').split(/^---\n/m))
    .filter((text) => /^kind:/m.test(text));
}

/** `create policy NAMESPACE/NAME: SPEC`; `<…>` stands for an address of the run. Each has a name of its own. */
function corpusPolicies(): string[] {
  const found = new Map<string, string>();
  for (const file of globSync('conformance/cases/**/*.yaml').sort()) {
    const text = readFileSync(file, 'utf8').replaceAll(/<[^>]*>\/[-\w]+/g, '10.1.2.3/32');
    for (const document of parseAllDocuments(text)) {
      visit(document, {
        Pair(_, { key, value }) {
          const name = isScalar(key) ? /^create policy (\S+)\/(\S+)$/.exec(String(key.value)) : null;
          if (!name || !isMap(value)) return;
          const spec = value.toJS(document) as unknown;
          const metadata = { namespace: name[1], name: `${name[2]}-${found.size}` };
          const policy = { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata, spec };
          const content = printYaml({ namespace: name[1], spec });
          if (!found.has(content)) found.set(content, printYaml(policy));
        },
      });
    }
  }
  return [...found.values()];
}

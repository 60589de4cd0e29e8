/** deploy/ is made from one source: it is fresh, and its three forms say the same, as real Helm and kustomize read them. */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { root } from '../../scripts/deploy/names.ts';
import { deployOutputs } from '../../scripts/deploy/outputs.ts';
import { values } from '../../scripts/deploy/values.ts';
import { commandTree } from '../../src/cli/command-tree.ts';
import { processContext } from '../../src/cli/context.ts';
import { buildProgram } from '../../src/cli/program.ts';
import { findPart } from '../cluster/parts/cache.ts';
import { reasonToSkip } from '../cluster/parts/reason-to-skip.ts';
import { helm, template } from './helm.ts';
import { objectsOf } from './objects.ts';

interface Schema {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
}

const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const plain = objectsOf(read('deploy/bulkhead.yaml'));

describe('deploy/', () => {
  test('holds what scripts/deploy.ts makes, and nothing that it does not make', () => {
    const outputs = deployOutputs();
    for (const [path, content] of outputs) expect({ path, content: read(path) }).toEqual({ path, content });
    const files = readdirSync(join(root, 'deploy'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(root, join(entry.parentPath, entry.name)));
    const made = [...outputs.keys()].filter((path) => path.startsWith('deploy/'));
    expect(new Set(files)).toEqual(new Set([...made, 'deploy/crd.yaml']));
  });

  test('the plain manifest has everything that an agent needs, in an order in which it can be applied', () => {
    expect([...plain.keys()]).toEqual([
      'Namespace//bulkhead-system',
      'CustomResourceDefinition//nodepolicystatuses.bulkhead.io',
      'ServiceAccount/bulkhead-system/bulkhead',
      'ClusterRole//bulkhead',
      'ClusterRoleBinding//bulkhead',
      'DaemonSet/bulkhead-system/bulkhead',
    ]);
  });

  test('an agent is told who it is, whom to trust and in which namespace its pod is, by the names of a service account', () => {
    const { spec } = plain.get('DaemonSet/bulkhead-system/bulkhead') as unknown as {
      spec: {
        template: {
          spec: { volumes: readonly { name: string; projected?: { sources: readonly object[] } }[] };
        };
      };
    };
    const { projected } = spec.template.spec.volumes.find(({ name }) => name === 'account') ?? {};
    expect(projected?.sources).toMatchObject([
      { serviceAccountToken: { path: 'token' } },
      { configMap: { items: [{ path: 'ca.crt' }] } },
      { downwardAPI: { items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } }] } },
    ]);
  });

  test('kubectl explain has something to say of each field of a node’s status', () => {
    const { spec } = parse(read('deploy/crd.yaml')) as {
      spec: { versions: { schema: { openAPIV3Schema: Schema } }[] };
    };
    const silent = ({ properties = {}, items }: Schema): string[] => [
      ...Object.entries(properties).flatMap(([name, schema]) => [
        ...((schema.description ?? '') === '' ? [name] : []),
        ...silent(schema),
      ]),
      ...(items ? silent(items) : []),
    ];
    expect(spec.versions.flatMap(({ schema }) => silent(schema.openAPIV3Schema))).toEqual([]);
  });

  test('the agent gets options that it knows, and by default those that it has by itself', () => {
    const agent = commandTree(buildProgram({ context: processContext(), exitCode: 0 })).commands.find(
      ({ path }) => path[0] === 'agent',
    );
    const known = new Map(agent?.options.map((option) => [option.long, option.default]));
    const given = new Map(agentArguments().map((argument) => splitOption(argument)));
    // Machines read the log of a pod, people that of a terminal.
    given.set('--log-format', 'text');
    expect([...given]).toEqual([...given.keys()].map((option) => [option, known.get(option)]));
  });

  test('values have the choices that the options have', () => {
    const agent = commandTree(buildProgram({ context: processContext(), exitCode: 0 })).commands.find(
      ({ path }) => path[0] === 'agent',
    );
    for (const [path, { schema }] of Object.entries(values)) {
      if (!path.startsWith('agent.')) continue;
      const name = `--${path.slice('agent.'.length).replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
      const choices = agent?.options.find(({ long }) => long === name)?.choices;
      expect({ name, choices: 'enum' in schema ? schema.enum : [] }).toEqual({ name, choices });
    }
  });
});

function agentArguments(): readonly string[] {
  const { spec } = plain.get('DaemonSet/bulkhead-system/bulkhead') as unknown as {
    spec: { template: { spec: { containers: [{ args: string[] }] } } };
  };
  const [command, ...options] = spec.template.spec.containers[0].args;
  expect(command).toBe('agent');
  return options;
}

function splitOption(argument: string): [string, string] {
  const at = argument.indexOf('=');
  return [argument.slice(0, at), argument.slice(at + 1)];
}

const kubectl = findPart('kubectl') ?? ['/usr/bin/kubectl', '/usr/local/bin/kubectl'].find(existsSync);

describe.skipIf(kubectl === undefined)('kustomize (skipped without kubectl)', () => {
  const build = (folder: string): string =>
    execFileSync(kubectl ?? '', ['kustomize', join(root, folder)], { encoding: 'utf8' });

  test('makes of the base what the plain manifest says', () => {
    expect(objectsOf(build('deploy/kustomize/base'))).toEqual(plain);
  });

  test('opens the node’s CNI to the agent for the gate, as a component, and changes nothing else', () => {
    const made = objectsOf(build('test/deploy/fixtures/with-gate'));
    expect([...made.keys()]).toEqual([...plain.keys()]);
    const differing = [...made].filter(([key, object]) => !isDeepStrictEqual(object, plain.get(key)));
    expect(differing.map(([key]) => key)).toEqual(['DaemonSet/bulkhead-system/bulkhead']);
    const { template: pod } = specOf(made);
    expect(pod.spec.containers[0].args.at(-1)).toBe('--install-gate');
    const added = ['/etc/cni/net.d', '/opt/cni/bin'];
    expect(writableHostPaths(made)).toEqual([...writableHostPaths(plain), ...added].sort());
  });

  test('takes the kustomization that docs/install.md shows', () => {
    const [, shown = ''] = /```yaml\n(resources: [^]*?)```/.exec(read('docs/install.md')) ?? [];
    const folder = mkdtempSync(join(tmpdir(), 'bulkhead-kustomize-'));
    try {
      symlinkSync(join(root, 'deploy'), join(folder, 'deploy'));
      writeFileSync(join(folder, 'kustomization.yaml'), shown);
      const made = objectsOf(execFileSync(kubectl ?? '', ['kustomize', folder], { encoding: 'utf8' }));
      expect([...made.keys()]).toEqual([...plain.keys()]);
      const [container] = specOf(made).template.spec.containers;
      expect(container.image).toBe('registry.example/bulkhead:0.1.0');
      expect(container.args.slice(-2)).toEqual(['--install-gate', '--datapath=nftables']);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('adds monitoring as a component', () => {
    const made = objectsOf(build('test/deploy/fixtures/with-monitoring'));
    const added = ['PodMonitor/bulkhead-system/bulkhead', 'PrometheusRule/bulkhead-system/bulkhead'];
    expect(new Set(made.keys())).toEqual(new Set([...plain.keys(), ...added]));
  });
});

const reason = reasonToSkip(['helm']);

describe.skipIf(reason !== undefined)(`Helm${reason ? ` (skipped: ${reason})` : ''}`, () => {
  test('makes of the chart what the plain manifest says', async () => {
    expect(await template(['namespace.create=true'])).toEqual(plain);
  });

  test('makes with the gate what kustomize makes with its component', async () => {
    const build = ['kustomize', join(root, 'test/deploy/fixtures/with-gate')];
    const made = objectsOf(execFileSync(kubectl ?? '', build, { encoding: 'utf8' }));
    expect(await template(['namespace.create=true', 'gate.enabled=true'])).toEqual(made);
  });

  test('leaves the namespace to its user unless told otherwise', async () => {
    const made = await template();
    expect(made.has('Namespace//bulkhead-system')).toBe(false);
    expect(made.size).toBe(plain.size - 1);
  });

  test('makes the alerts that are in prometheus/rules.yaml, templates of theirs untouched', async () => {
    const made = await template(['monitoring.rules.enabled=true', 'monitoring.rules.labels.release=prom']);
    const rule = made.get('PrometheusRule/bulkhead-system/bulkhead');
    expect(rule?.['spec']).toEqual(parse(read('deploy/prometheus/rules.yaml')));
    expect(rule?.metadata).toMatchObject({
      labels: { 'app.kubernetes.io/name': 'bulkhead', release: 'prom' },
    });
  });

  test('takes values of any content as what they are', async () => {
    const odd = '"}} {{ fail `no` }} : # \\';
    const made = await template(['image.repository=registry.test/one', 'agent.healthPort=9'], {
      podAnnotations: { odd },
      agent: { podInterfaces: odd },
      affinity: { nodeAffinity: { note: odd } },
      imagePullSecrets: [{ name: 'pull' }],
    });
    const { template: pod } = specOf(made);
    expect(pod).toMatchObject({
      metadata: { annotations: { odd } },
      spec: {
        affinity: { nodeAffinity: { note: odd } },
        imagePullSecrets: [{ name: 'pull' }],
        containers: [{ image: 'registry.test/one:0.1.0', ports: [{ containerPort: 9 }] }],
      },
    });
    expect(pod.spec.containers[0].args).toEqual(
      expect.arrayContaining(['--health-port=9', `--pod-interfaces=${odd}`]),
    );
  });

  test('prefers a digest to a tag', async () => {
    const digest = `sha256:${'0'.repeat(64)}`;
    const { template: pod } = specOf(await template([`image.digest=${digest}`, 'image.tag=other']));
    expect(pod.spec.containers[0].image).toBe(`localhost/bulkhead@${digest}`);
  });

  test.each([
    ['agent.healthPort=70000', '/agent/healthPort'],
    ['agent.datapath=iptables', '/agent/datapath'],
    ['agent.syncPeriod=soon', '/agent/syncPeriod'],
    ['image.digest=latest', '/image/digest'],
    ['agent.nonsense=1', '/agent'],
  ])('refuses %s', async (setting, place) => {
    await expect(template([setting])).rejects.toThrow(place);
  });

  test('finds nothing to complain of', async () => {
    expect(await helm(['lint', '--strict', join(root, 'deploy/helm/bulkhead')])).toContain(
      '0 chart(s) failed',
    );
  });
});

interface DaemonSetSpec {
  readonly template: {
    readonly spec: {
      readonly containers: readonly [
        {
          readonly image: string;
          readonly args: readonly string[];
          readonly volumeMounts: readonly { readonly name: string; readonly readOnly?: boolean }[];
        },
      ];
      readonly volumes: readonly { readonly name: string; readonly hostPath?: { readonly path: string } }[];
    };
  };
}

/** Sorted. */
function writableHostPaths(objects: Awaited<ReturnType<typeof template>>): readonly string[] {
  const { containers, volumes } = specOf(objects).template.spec;
  return containers[0].volumeMounts
    .filter(({ readOnly }) => readOnly !== true)
    .flatMap(({ name }) => volumes.find((volume) => volume.name === name)?.hostPath?.path ?? [])
    .toSorted();
}

function specOf(objects: Awaited<ReturnType<typeof template>>): DaemonSetSpec {
  return objects.get('DaemonSet/bulkhead-system/bulkhead')?.['spec'] as DaemonSetSpec;
}

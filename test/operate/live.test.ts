/** Offline commands on a running cluster: a real API server; skipped where its parts would have to be built first. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bulkhead } from '../cli/run-in-process.ts';
import { lightParts } from '../cluster/parts/catalogue.ts';
import { reasonToSkip } from '../cluster/parts/reason-to-skip.ts';
import { ReportedCluster } from './reported-cluster.ts';

const reason = reasonToSkip(lightParts);

const merge = 'application/merge-patch+json';
const namespace = '/api/v1/namespaces/default';
const spec = {
  podSelector: { matchLabels: { app: 'web' } },
  ingress: [{ from: [{ podSelector: { matchLabels: { app: 'client' } } }], ports: [{ port: 'http' }] }],
};

interface MadePod {
  readonly name: string;
  readonly node: string;
  readonly ip: string;
}

describe.skipIf(reason !== undefined)(`--live${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let cluster: ReportedCluster;
  let version = '';

  const live = (command: string, ...args: string[]) =>
    bulkhead([command, '--live', ...args, '--kubeconfig', cluster.controlPlane.kubeconfig]);

  async function createPod({ name, node, ip }: MadePod): Promise<void> {
    const ports = [{ name: 'http', containerPort: 8080 }];
    await cluster.api.must('POST', `${namespace}/pods`, {
      metadata: { name, labels: { app: name } },
      spec: {
        nodeName: node,
        containers: [{ name: 'main', image: 'main', ports }],
        automountServiceAccountToken: false,
      },
    });
    const status = { phase: 'Running', podIP: ip, podIPs: [{ ip }] };
    await cluster.api.must('PATCH', `${namespace}/pods/${name}/status`, { status }, merge);
  }

  beforeAll(async () => {
    cluster = await ReportedCluster.start();
    const { api } = cluster;
    for (const node of ['n1', 'n2']) await cluster.createNode(node);
    for (const pod of [
      { name: 'web', node: 'n1', ip: '10.244.1.2' },
      { name: 'client', node: 'n2', ip: '10.244.2.2' },
      { name: 'other', node: 'n2', ip: '10.244.2.3' },
    ])
      await createPod(pod);
    await api.must('POST', `${namespace}/services`, {
      metadata: { name: 'shop' },
      spec: { selector: { app: 'web' }, ports: [{ name: 'web', port: 80, targetPort: 'http' }] },
    });
    await api.must('POST', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', {
      metadata: { name: 'shop-1', labels: { 'kubernetes.io/service-name': 'shop' } },
      addressType: 'IPv4',
      endpoints: [
        { addresses: ['10.244.1.2'], conditions: { ready: true } },
        { addresses: ['10.244.1.9'], conditions: { ready: false } },
      ],
      ports: [{ name: 'web', port: 8080, protocol: 'TCP' }],
    });
    version = await cluster.setPolicy('web', spec);
  });

  afterAll(async () => cluster?.stop());

  test('explain follows a Service to what its EndpointSlices list, with the lines that kubectl shows', async () => {
    const { code, stdout } = await live('explain', '--from', 'client', '--to', 'shop', '--port', '80');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ALLOWED {2}client → shop, port 80$/m);
    expect(stdout).toMatch(/^to +pod default\/web \(10\.244\.1\.2, on n1\), TCP 8080$/m);
    expect(stdout).toMatch(/^ +networkpolicies\/default\/web:\d+:\d+$/m);
    expect(stdout).toMatch(/^ +\d+ \| {3}- from:$/m);
    expect(stdout).toContain('port: http');
    const denied = await live(
      'explain',
      '--from',
      'other',
      '--to',
      'web',
      '--port',
      '8080',
      '--expect',
      'allow',
    );
    expect(denied.code).toBe(1);
    expect(denied.stdout).toMatch(/^DENIED/);
  });

  test('explain says what the nodes enforce now: nobody knows, not yet, all', async () => {
    const ask = () => live('explain', '--from', 'client', '--to', 'web', '--port', '8080');
    expect((await ask()).stdout).toContain(
      'now       not known: the cluster has no nodepolicystatuses.bulkhead.io',
    );
    await cluster.install();
    const none = await ask();
    expect(none.stdout).toContain('n1: no agent reports from it: nothing is known to be enforced there');
    expect(none.stderr).toContain(
      'warning EXPLAIN_NOT_IN_FORCE: not every policy is in force on n2, n1 as it stands',
    );

    await cluster.report('n1', { realisedResourceVersion: '1' });
    await cluster.report('n2', { realisedResourceVersion: version });
    const pending = await ask();
    expect(pending.stdout).toContain('now       not in force: the kernels may decide otherwise');
    expect(pending.stdout).toMatch(/^ +n1: default\/web pending since .*: not in the kernel yet$/m);
    expect(pending.stdout).toMatch(/^ +n2: enforces every policy$/m);

    const since = new Date().toISOString();
    const refused = {
      policy: 'default/web',
      code: 'DATAPATH_FULL',
      message: 'full',
      enforced: 'closed',
      since,
    } as const;
    await cluster.report('n1', { realisedResourceVersion: version, refused: [refused], refusedPolicies: 1 });
    const refusing = await ask();
    expect(refusing.stdout).toContain('n1: default/web refused since');
    expect(refusing.stderr).toContain('EXPLAIN_NOT_IN_FORCE');

    await cluster.report('n1', { realisedResourceVersion: version });
    const all = await ask();
    expect(all.stdout).toContain('now       in force: n2 and n1 enforce every policy as it stands');
    expect(all.stderr).toBe('');
  });

  test('a policy that decides nothing here but is not in force yet makes it uncertain', async () => {
    const other = await cluster.setPolicy('other', { podSelector: { matchLabels: { app: 'nobody' } } });
    const ask = () => live('explain', '--from', 'client', '--to', 'web', '--port', '8080', '-o', 'json');
    expect(JSON.parse((await ask()).stdout)).toMatchObject({
      verdict: 'allowed',
      enforcement: {
        inForce: false,
        nodes: [
          { node: 'n2', missing: [{ policy: 'default/other', decides: false }] },
          { node: 'n1', missing: [{ policy: 'default/other', decides: false }] },
        ],
      },
    });
    for (const node of ['n1', 'n2']) await cluster.report(node, { realisedResourceVersion: other });
    expect(JSON.parse((await ask()).stdout)).toMatchObject({ enforcement: { inForce: true } });
  });

  test('a policy that is refused elsewhere and closes its pods does not make it uncertain, one whose version before holds does', async () => {
    const other = await cluster.setPolicy('other', { podSelector: { matchLabels: { app: 'somebody' } } });
    const ask = () => live('explain', '--from', 'client', '--to', 'web', '--port', '8080');
    const report = async (enforced: 'closed' | 'previous') => {
      const since = new Date().toISOString();
      const refused = {
        policy: 'default/other',
        code: 'DATAPATH_FULL',
        message: 'full',
        enforced,
        since,
      } as const;
      for (const node of ['n1', 'n2'])
        await cluster.report(node, {
          realisedResourceVersion: other,
          refused: [refused],
          refusedPolicies: 1,
        });
    };
    await report('closed');
    const closed = await ask();
    expect(closed.stdout).toContain('now       in force: n2 and n1 enforce what decides here');
    expect(closed.stderr).toBe('');
    await report('previous');
    expect((await ask()).stdout).toContain('now       perhaps not in force');
    for (const node of ['n1', 'n2']) await cluster.report(node, { realisedResourceVersion: other });
  });

  test('matrix, check and compile read the cluster, too', async () => {
    const matrix = await live('matrix', '--by', 'pod', '-o', 'json');
    const { pairs } = JSON.parse(matrix.stdout) as { pairs: { from: string; to: string; verdict: string }[] };
    const verdict = (from: string, to: string) =>
      pairs.find((pair) => pair.from === from && pair.to === to)?.verdict;
    expect(verdict('default/client', 'default/web')).toBe('all');
    expect(verdict('default/other', 'default/web')).toBe('none');
    const check = await live('check', '-o', 'json');
    expect(JSON.parse(check.stdout)).toMatchObject({ objects: { NetworkPolicy: 2, Pod: 3, Node: 2 } });
    const compiled = await live('compile', '--stats', '-o', 'json');
    expect(compiled.code).toBe(0);
  });

  test('an address that is given again is explained for the pod that has it now', async () => {
    await createPod({ name: 'before', node: 'n1', ip: '10.244.1.7' });
    await cluster.api.must('DELETE', `${namespace}/pods/before`);
    await createPod({ name: 'client2', node: 'n2', ip: '10.244.1.7' });
    const ended = await live('explain', '--from', '10.244.1.7', '--to', 'web', '--port', '8080');
    expect(ended.code).toBe(0);
    expect(ended.stdout).toMatch(/^from +pod default\/client2 \(10\.244\.1\.7, on n2\)$/m);
    expect(ended.stdout.replaceAll(/\s+/g, ' ')).toContain(
      'The API server gives 10.244.1.7 to pod default/before, which is being deleted, too',
    );
    for (const from of ['10.244.1.7', 'client2', 'before']) {
      const json = await live('explain', '--from', from, '--to', 'web', '--port', '8080', '-o', 'json');
      expect(JSON.parse(json.stdout)).toMatchObject({
        enforcement: { nodes: [{ node: 'n2' }, { node: 'n1' }] },
      });
    }
    for (const command of ['matrix', 'check', 'compile'])
      expect(await live(command)).toMatchObject({ code: 0 });
  });

  test('who may read one namespace only is told every right that is missing', async () => {
    const { api, controlPlane } = cluster;
    const kubeconfig = await controlPlane.kubeconfigFor('reader', { user: 'reader' });
    const roles = '/apis/rbac.authorization.k8s.io/v1/namespaces/default';
    const group = 'rbac.authorization.k8s.io';
    await api.must('POST', `${roles}/roles`, {
      metadata: { name: 'reader' },
      rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['get', 'list', 'watch'] }],
    });
    await api.must('POST', `${roles}/rolebindings`, {
      metadata: { name: 'reader' },
      roleRef: { apiGroup: group, kind: 'Role', name: 'reader' },
      subjects: [{ apiGroup: group, kind: 'User', name: 'reader' }],
    });
    const { code, stderr } = await bulkhead(['matrix', '--live', '--kubeconfig', kubeconfig]);
    expect(code).toBe(2);
    for (const resource of ['pods', 'namespaces', 'nodes', 'services', 'endpointslices', 'networkpolicies'])
      expect(stderr).toMatch(new RegExp(`KUBERNETES_FORBIDDEN.*cannot list resource "${resource}"`));
    expect(stderr.match(/hint:/g)).toHaveLength(1);
  });
});

test('either paths or --live', async () => {
  const neither = await bulkhead(['matrix']);
  expect(neither.code).toBe(2);
  expect(neither.stderr).toContain('error CLI_MISSING_ARGUMENT');
  const both = await bulkhead(['matrix', 'examples', '--live']);
  expect(both.code).toBe(2);
  expect(both.stderr).toContain('error CLI_EXCESS_ARGUMENTS');
});

/** What a user does to a running lab, and what packets see of it. */
import { writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tcpConnect } from '../../src/kernel/socket.ts';
import { callLab } from '../../src/lab/client.ts';
import { describeDifferences, isRoot, TestLab } from './lab-harness.ts';

const manifests = `
apiVersion: v1
kind: Namespace
metadata: { name: shop }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: shop }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      containers:
        - { name: web, image: web, ports: [{ containerPort: 8080 }, { containerPort: 5353, protocol: UDP }] }
---
apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop }
spec:
  selector: { app: web }
  ports: [{ port: 80, targetPort: 8080 }]
---
apiVersion: v1
kind: Pod
metadata: { name: client, namespace: shop, labels: { app: client } }
spec: { containers: [{ name: client, image: client }] }
---
apiVersion: v1
kind: Pod
metadata: { name: other, namespace: shop, labels: { app: other } }
spec: { containers: [{ name: other, image: other }] }
`;

const onlyOther = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: web, namespace: shop }
spec:
  podSelector: { matchLabels: { app: web } }
  ingress:
    - from: [{ podSelector: { matchLabels: { app: other } } }]
      ports: [{ port: 8080 }]
`;

const curl = ['curl', '-s', '-m', '2', 'http://web'];
const timedOut = 28;

/** A connection that asks a question every few milliseconds and counts the answers. */
async function liveConnection(lab: string, from: string, to: string) {
  const snapshot = await callLab(lab, { op: 'snapshot' });
  const netns = snapshot?.pods.get(from)?.path ?? '';
  const address = snapshot?.cluster.pods.get(to)?.addresses[0];
  if (!address) throw new Error(`no address of ${to}`);
  const socket = new Socket({ fd: tcpConnect(netns, { address, port: 8080 }) });
  let answers = 0;
  socket.on('data', () => (answers += 1));
  socket.on('error', () => undefined);
  const timer = setInterval(() => socket.write('still there?\n'), 5);
  return {
    get answers() {
      return answers;
    },
    close: () => {
      clearInterval(timer);
      socket.destroy();
    },
  };
}

describe.skipIf(!isRoot)('[root] changes of a running lab', () => {
  const lab = new TestLab('changes');
  const directory = mkdtempSync(join(tmpdir(), 'bulkhead-test-'));
  beforeAll(async () => {
    writeFileSync(join(directory, 'all.yaml'), manifests);
    await lab.up(directory);
  });
  afterAll(async () => {
    await lab.down();
    rmSync(directory, { recursive: true });
  });

  test('a Service is reached by its name', async () => {
    const { stdout } = await lab.exec('shop/client', ...curl);
    expect(stdout).toMatch(/^shop\/web-\d TCP 8080, you are 10\.244\./);
  });

  test('exec passes on input, output and the exit code', async () => {
    const run = await lab.run('exec', ['shop/client', '--', 'sh', '-c', 'cat; exit 7'], 'hello');
    expect(run).toMatchObject({ code: 7, stdout: 'hello' });
  });

  test('exec of what is no command ends as in a shell', async () => {
    const missing = await lab.exec('shop/client', 'no-such-command');
    expect(missing.code).toBe(127);
    expect(missing.stderr).toContain('no-such-command');
    expect((await lab.exec('shop/client', '/')).code).toBe(126);
    expect((await lab.exec('shop/client', 'printf', '%s|', 'a b', '$HOME', '')).stdout).toBe('a b|$HOME||');
  });

  test('a policy cuts a live connection, and its deletion lets new ones through', async () => {
    const live = await liveConnection(lab.name, 'shop/client', 'shop/web-1');
    try {
      await sleep(200);
      expect(live.answers).toBeGreaterThan(0);
      const report = await lab.apply(onlyOther);
      expect(report.changes).toEqual([{ key: 'NetworkPolicy/shop/web', change: 'created' }]);
      // What was under way when the kernel got the policy may still arrive.
      await sleep(100);
      const then = live.answers;
      await sleep(300);
      expect(live.answers).toBe(then);
    } finally {
      live.close();
    }
    expect((await lab.exec('shop/client', ...curl)).code).toBe(timedOut);
    expect((await lab.exec('shop/other', ...curl)).code).toBe(0);

    await lab.json('delete', ['netpol/shop/web']);
    expect((await lab.exec('shop/client', ...curl)).code).toBe(0);
  });

  test('labels, of pods that a controller made too, take effect and go away', async () => {
    await lab.apply(onlyOther);
    await lab.json('label', ['pod', 'shop/client', 'app=other']);
    expect((await lab.exec('shop/client', ...curl)).code).toBe(0);
    await lab.json('label', ['pod', 'shop/client', 'app=client']);
    expect((await lab.exec('shop/client', ...curl)).code).toBe(timedOut);

    // Without its label the policy does not select it, nor does the Service.
    await lab.json('label', ['pod', 'shop/web-1', 'app-']);
    expect(describeDifferences(await lab.probe())).toEqual([]);
    await lab.json('label', ['pod', 'shop/web-1', 'app=web']);
    expect(describeDifferences(await lab.probe())).toEqual([]);
    await lab.json('delete', ['netpol/shop/web']);
  });

  test('labels of a namespace take effect', async () => {
    const fromTeam = onlyOther.replace(
      /podSelector: { matchLabels: { app: other } }/,
      'namespaceSelector: { matchLabels: { team: a } }',
    );
    await lab.apply(fromTeam);
    expect((await lab.exec('shop/client', ...curl)).code).toBe(timedOut);
    await lab.json('label', ['ns', 'shop', 'team=a']);
    expect((await lab.exec('shop/client', ...curl)).code).toBe(0);
    await lab.json('delete', ['netpol/shop/web']);
  });

  test('scaling makes pods that are enforced from their first packet, and takes pods away', async () => {
    await lab.apply(onlyOther);
    const up = await lab.json<{ podsAdded: string[] }>('scale', ['deployment/shop/web', '--replicas', '4']);
    expect(up.podsAdded).toEqual(['shop/web-3', 'shop/web-4']);
    const report = await lab.probe('--to', 'shop/web');
    expect(describeDifferences(report)).toEqual([]);
    expect(report.denied).toBeGreaterThan(report.allowed);
    const down = await lab.json<{ podsRemoved: string[] }>('scale', [
      'deployment/shop/web',
      '--replicas',
      '1',
    ]);
    expect(down.podsRemoved).toEqual(['shop/web-2', 'shop/web-3', 'shop/web-4']);
    expect((await lab.status()).pods.map(({ name }) => name)).not.toContain('shop/web-2');
    expect(describeDifferences(await lab.probe())).toEqual([]);
    await lab.json('scale', ['deployment/shop/web', '--replicas', '2']);
    await lab.json('delete', ['netpol/shop/web']);
  });

  test('nodes come and go with what is on them', async () => {
    await lab.apply(onlyOther);
    const far = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'far', namespace: 'shop', labels: { app: 'other' } },
    };
    const spec = { nodeName: 'far-away', containers: [{ name: 'far', image: 'far' }] };
    await lab.apply(JSON.stringify({ ...far, spec }));
    expect((await lab.status()).nodes.map(({ name }) => name)).toContain('far-away');
    expect((await lab.exec('shop/far', ...curl)).code).toBe(0);
    expect(describeDifferences(await lab.probe())).toEqual([]);

    // A node with another address is another node, made anew with its pods.
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'far-away' } };
    const status = { addresses: [{ type: 'InternalIP', address: '172.18.0.200' }] };
    await lab.apply(JSON.stringify({ ...node, status }));
    expect((await lab.exec('shop/far', ...curl)).code).toBe(0);
    expect(describeDifferences(await lab.probe())).toEqual([]);

    await lab.json('delete', ['node/far-away', 'pod/shop/far', 'netpol/shop/web']);
    expect((await lab.status()).nodes.map(({ name }) => name)).not.toContain('far-away');
    expect(describeDifferences(await lab.probe())).toEqual([]);
  });

  test('bad input changes nothing', async () => {
    const before = await lab.status();
    const halfGood = `${onlyOther}---\n${onlyOther.replace('ingress:', 'ingres:').replace('name: web', 'name: typo')}`;
    const run = await lab.run('apply', ['-f', '-'], halfGood);
    expect(run.code).toBe(2);
    expect(run.stderr).toMatch(/^-:\d+:\d+: error /);
    expect((await lab.run('delete', ['netpol/shop/nobody', 'deploy/shop/web'])).code).toBe(2);
    expect((await lab.run('scale', ['deploy/shop/nobody', '--replicas', '2'])).code).toBe(2);
    expect((await lab.run('label', ['pod', 'shop/nobody', 'a=b'])).code).toBe(2);
    const after = await lab.status();
    expect([after.totals, after.pods]).toEqual([before.totals, before.pods]);
    expect((await lab.exec('shop/client', ...curl)).code).toBe(0);
  });

  test('a policy that selects nothing is applied, with a warning that says why', async () => {
    const run = await lab.run('apply', ['-f', '-'], onlyOther.replace('namespace: shop', 'namespace: shpo'));
    expect(run).toMatchObject({ code: 0, stdout: expect.stringContaining('NetworkPolicy shpo/web created') });
    expect(run.stderr).toMatch(/^-:2:1: warning POLICY_SELECTS_NOTHING: .* none in namespace shpo\n/);
    const { warnings } = await lab.apply(onlyOther.replace('app: other', 'app: othr'));
    expect(warnings.map(({ code }) => code)).toEqual(['PEER_SELECTS_NOTHING']);
    const { warnings: none } = await lab.apply(onlyOther);
    expect(none).toEqual([]);
    await lab.json('delete', ['netpol/shop/web', 'netpol/shpo/web']);
  });

  test('flows name who, whom, the verdict and the line that decided', async () => {
    await lab.apply(onlyOther);
    await lab.exec('shop/client', ...curl);
    await lab.exec('shop/other', ...curl);
    await sleep(400);
    const [denied] = await lab.flows(
      '--from',
      'shop/client',
      '--to',
      'shop/web',
      '--verdict',
      'denied',
      '-n',
      '1',
    );
    expect(denied).toMatchObject({
      verdict: 'denied',
      protocol: 'TCP',
      source: { kind: 'pod', name: 'shop/client' },
      destination: { kind: 'pod', port: 8080, workload: 'Deployment/web' },
    });
    const decision = denied?.decisions.find(({ allowed }) => !allowed);
    expect(decision).toMatchObject({
      direction: 'ingress',
      reason: 'default-deny',
      isolatedBy: [{ policy: 'shop/web', position: '-:2:1' }],
      nearMisses: [{ rule: { position: '-:8:7' } }],
    });
    expect(decision?.nearMisses[0]?.detail).toContain('its label app is "client"');

    const [allowed] = await lab.flows(
      '--from',
      'shop/other',
      '--verdict',
      'allowed',
      '--port',
      '8080',
      '-n',
      '1',
    );
    expect(allowed?.decisions.find(({ direction }) => direction === 'ingress')).toMatchObject({
      reason: 'rule',
      rule: { policy: 'shop/web', ruleIndex: 0, position: '-:8:7' },
    });
    await lab.json('delete', ['netpol/shop/web']);
  });

  test('explain answers for what is enforced now', async () => {
    const question = ['--from', 'shop/client', '--to', 'shop/web', '--port', '80'];
    expect(await lab.json('explain', question)).toMatchObject({ verdict: 'allowed' });
    await lab.apply(onlyOther);
    expect(await lab.json('explain', question)).toMatchObject({ verdict: 'denied' });
    await lab.json('delete', ['netpol/shop/web']);
  });
});

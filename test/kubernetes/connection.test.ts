/** Which cluster is meant, how it is trusted, and what shows it who asks. */
import { chmodSync, mkdtempSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { KubernetesClient } from '../../src/kubernetes/client.ts';
import { findConnection, type ConnectOptions } from '../../src/kubernetes/connect.ts';
import { namespaces } from '../../src/kubernetes/resource.ts';
import { Authority, type KeyPair } from '../cluster/control-plane/authority.ts';
import { FakeApiServer, sendStatus, type SeenRequest } from './fake-api-server.ts';
import { base64, failureOf, write } from './in-files.ts';

let directory: string;
let authority: Authority;
let client: KeyPair;
let server: FakeApiServer;
/** The common name of the client's certificate, request by request. */
const certificates: (string | undefined)[] = [];
/** Credentials that the server lets in; all of them if there are none. */
const accepted = new Set<string>();

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'bulkhead-connection-'));
  authority = await Authority.create(directory);
  const [pair, second] = [
    await authority.issue('server', { user: 'server', hosts: ['127.0.0.1', 'api.example'] }),
    await authority.issue('client', { user: 'somebody' }),
  ];
  client = second;
  const pem = (path: string): string => readFileSync(path, 'utf8');
  server = await FakeApiServer.start({
    cert: pem(pair.certificate),
    key: pem(pair.key),
    ca: pem(authority.certificate),
    requestCert: true,
    rejectUnauthorized: false,
  });
  server.routes.set('GET /api/v1/namespaces/one', ({ headers }, response) => {
    const certificate = (response.socket as TLSSocket).getPeerCertificate();
    certificates.push(certificate.subject?.CN as string | undefined);
    if (accepted.size > 0 && !accepted.has(headers.authorization ?? '')) sendStatus(response, 401);
    else response.end(JSON.stringify({ metadata: { name: 'one' } }));
  });
});

afterAll(async () => {
  await server?.stop();
  rmSync(directory, { recursive: true });
});

interface Parts {
  readonly cluster?: Record<string, unknown>;
  readonly user?: Record<string, unknown>;
  readonly context?: Record<string, unknown>;
}

let files = 0;

/** A kubeconfig in a folder of its own. */
function kubeconfig({ cluster = {}, user = {}, context = {} }: Parts): string {
  const folder = join(directory, `kubeconfig-${(files += 1)}`);
  mkdirSync(folder);
  const trusted = cluster['insecure-skip-tls-verify']
    ? {}
    : { 'certificate-authority': authority.certificate };
  const content = {
    'current-context': 'main',
    contexts: [{ name: 'main', context: { cluster: 'here', user: 'me', ...context } }],
    clusters: [{ name: 'here', cluster: { server: server.url, ...trusted, ...cluster } }],
    users: [{ name: 'me', user }],
  };
  return write(join(folder, 'config'), stringify(content));
}

/** What a request over the connection brings to the server. */
async function ask(options: ConnectOptions): Promise<SeenRequest> {
  const connection = await findConnection({ environment: {}, ...options });
  const asking = new KubernetesClient(connection);
  try {
    await asking.get(namespaces, { name: 'one' });
  } finally {
    asking.close();
  }
  return server.requests.at(-1) as SeenRequest;
}

describe('a kubeconfig', () => {
  test.each([
    ['in files', () => ({ 'client-certificate': client.certificate, 'client-key': client.key })],
    [
      'inline',
      () => ({
        'client-certificate-data': base64(client.certificate),
        'client-key-data': base64(client.key),
      }),
    ],
  ])('lets in by a certificate and its key, %s', async (_, user) => {
    await ask({ kubeconfig: kubeconfig({ user: user() }) });
    expect(certificates.at(-1)).toBe('somebody');
  });

  test('trusts an authority that stands inline', async () => {
    const cluster = {
      'certificate-authority': undefined,
      'certificate-authority-data': base64(authority.certificate),
    };
    await expect(ask({ kubeconfig: kubeconfig({ cluster }) })).resolves.toBeDefined();
  });

  test.each([
    ['a token', { token: 'secret-1' }, 'Bearer secret-1'],
    ['user and password', { username: 'me', password: 'secret-2' }, `Basic ${btoa('me:secret-2')}`],
    ['a token before a password', { token: 'secret-3', username: 'me', password: 'x' }, 'Bearer secret-3'],
  ])('lets in by %s', async (_, user, authorization) => {
    expect((await ask({ kubeconfig: kubeconfig({ user }) })).headers.authorization).toBe(authorization);
  });

  test('reads a token file, beside itself, for each request', async () => {
    const path = kubeconfig({ user: { tokenFile: 'token', token: 'not this one' } });
    write(join(path, '../token'), 'first\n');
    const asking = new KubernetesClient(await findConnection({ kubeconfig: path }));
    for (const token of ['first', 'second']) {
      // As kubelets do it: a new file takes the place of the old one.
      renameSync(write(join(path, '../next'), `${token}\n`), join(path, '../token'));
      await asking.get(namespaces, { name: 'one' });
      expect(server.requests.at(-1)?.headers.authorization).toBe(`Bearer ${token}`);
    }
    asking.close();
  });

  test('reads certificates anew, and uses new connections for new ones', async () => {
    const path = kubeconfig({ user: { 'client-certificate': 'me.crt', 'client-key': 'me.key' } });
    const asking = new KubernetesClient(await findConnection({ kubeconfig: path }));
    for (const user of ['first', 'second']) {
      const pair = await authority.issue(user, { user });
      writeFileSync(join(path, '../me.crt'), readFileSync(pair.certificate));
      writeFileSync(join(path, '../me.key'), readFileSync(pair.key));
      await asking.get(namespaces, { name: 'one' });
      expect(certificates.at(-1)).toBe(user);
    }
    asking.close();
  });

  test('acts as somebody else if it says so', async () => {
    const { headers } = await ask({ kubeconfig: kubeconfig({ user: { as: 'auditor' } }) });
    expect(headers['impersonate-user']).toBe('auditor');
  });

  test('has the namespace of its context', async () => {
    const namespaceOf = async (context: Record<string, unknown>): Promise<string> =>
      (await findConnection({ kubeconfig: kubeconfig({ context }) })).namespace;
    expect([await namespaceOf({ namespace: 'shop' }), await namespaceOf({})]).toEqual(['shop', 'default']);
  });

  test.each([
    [
      'an authority that did not sign its certificate',
      { 'certificate-authority': 'other.crt' },
      'KUBERNETES_TLS',
    ],
    ['another name than its certificate has', { 'tls-server-name': 'other.example' }, 'KUBERNETES_TLS'],
    ['a name that its certificate has', { 'tls-server-name': 'api.example' }, undefined],
    ['no verification, and is believed', { 'insecure-skip-tls-verify': true }, undefined],
  ])('whose server has %s', async (_, cluster, code) => {
    const other = mkdtempSync(join(directory, 'other-'));
    await Authority.create(other);
    const path = kubeconfig({ cluster });
    write(join(path, '../other.crt'), readFileSync(join(other, 'ca.crt'), 'utf8'));
    const answer = ask({ kubeconfig: path });
    if (code === undefined) await answer;
    else expect((await failureOf(() => answer)).code).toBe(code);
  });

  test('of several files: the first that has an entry or a current context counts', async () => {
    const first = write(
      join(directory, 'first'),
      stringify({ users: [{ name: 'me', user: { token: 'of-the-first' } }] }),
    );
    const second = kubeconfig({ user: { token: 'of-the-second' } });
    const environment = { KUBECONFIG: `${join(directory, 'missing')}:${first}:${second}` };
    expect((await ask({ environment })).headers.authorization).toBe('Bearer of-the-first');
  });

  test('in the home directory is found, and other contexts by name', async () => {
    const home = mkdtempSync(join(directory, 'home-'));
    mkdirSync(join(home, '.kube'));
    const content = {
      'current-context': 'one',
      contexts: ['one', 'two'].map((name) => ({ name, context: { cluster: 'here', user: name } })),
      clusters: [{ name: 'here', cluster: { server: server.url, 'insecure-skip-tls-verify': true } }],
      users: ['one', 'two'].map((name) => ({ name, user: { token: `of-${name}` } })),
    };
    write(join(home, '.kube/config'), stringify(content));
    const environment = { HOME: home };
    expect((await ask({ environment })).headers.authorization).toBe('Bearer of-one');
    expect((await ask({ environment, context: 'two' })).headers.authorization).toBe('Bearer of-two');
    const missing = await failureOf(() => findConnection({ environment, context: 'three' }));
    expect(missing.message).toContain('has no context "three"\n  hint: There are: one, two.');
  });

  test.each([
    ['a proxy', { cluster: { 'proxy-url': 'http://proxy' } }],
    ['a provider that Kubernetes has removed', { user: { 'auth-provider': { name: 'gcp' } } }],
    ['groups to act as', { user: { as: 'me', 'as-groups': ['admins'] } }],
    ['a server that is no address', { cluster: { server: 'cluster.example' } }],
    ['a password in the address', { cluster: { server: 'https://me:secret@cluster.example' } }],
    ['a cluster that it does not have', { context: { cluster: 'there' } }],
    ['a user that it does not have', { context: { user: 'you' } }],
    ['an exec plugin of a version that is not known', { user: { exec: { command: 'x', apiVersion: 'v7' } } }],
  ])('with %s is refused', async (_, parts) => {
    const error = await failureOf(() => findConnection({ kubeconfig: kubeconfig(parts) }));
    expect(error.code).toBe('KUBERNETES_CONFIG_INVALID');
    expect(error.diagnostics[0]?.hint).toBeDefined();
    expect(error.message).not.toContain('secret');
  });

  test('that is not there, or no kubeconfig, is an error', async () => {
    for (const path of [join(directory, 'missing'), directory, write(join(directory, 'list'), '- a\n')]) {
      expect((await failureOf(() => findConnection({ kubeconfig: path }))).code).toBe(
        'KUBERNETES_CONFIG_INVALID',
      );
    }
    const nothing = await failureOf(() => findConnection({ environment: { HOME: directory } }));
    expect(nothing.code).toBe('KUBERNETES_CONFIG_MISSING');
  });
});

describe('an exec plugin', () => {
  /** A program that prints what `prints` holds, and notes that it ran. */
  function plugin(prints: string, exit = 0): { user: Record<string, unknown>; runs: () => number } {
    const folder = mkdtempSync(join(directory, 'plugin-'));
    const program = join(folder, 'get-token');
    const script = `#!/bin/sh\necho "$1 $EXTRA $KUBERNETES_EXEC_INFO" >> ${folder}/runs\necho noisy-secret >&2\n`;
    writeFileSync(program, `${script}cat ${write(join(folder, 'output'), prints)}\nexit ${exit}\n`);
    chmodSync(program, 0o755);
    const exec = {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: program,
      args: ['argument-secret'],
      env: [{ name: 'EXTRA', value: 'environment-secret' }],
    };
    return {
      user: { exec },
      runs: () => readFileSync(join(folder, 'runs'), 'utf8').trim().split('\n').length,
    };
  }

  const credential = (status: Record<string, unknown>): string =>
    JSON.stringify({ apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status });

  test('is asked once while its token is good, by however many', async () => {
    const { user, runs } = plugin(credential({ token: 'issued' }));
    const asking = new KubernetesClient(await findConnection({ kubeconfig: kubeconfig({ user }) }));
    await Promise.all([1, 2, 3].map(async () => asking.get(namespaces, { name: 'one' })));
    await asking.get(namespaces, { name: 'one' });
    expect(server.requests.at(-1)?.headers.authorization).toBe('Bearer issued');
    expect(runs()).toBe(1);
    asking.close();
  });

  test('is asked again when its token has expired', async () => {
    const { user, runs } = plugin(
      credential({ token: 'issued', expirationTimestamp: new Date().toISOString() }),
    );
    const asking = new KubernetesClient(await findConnection({ kubeconfig: kubeconfig({ user }) }));
    await asking.get(namespaces, { name: 'one' });
    const before = runs();
    await asking.get(namespaces, { name: 'one' });
    expect(runs()).toBeGreaterThan(before);
    asking.close();
  });

  test('is asked again when the server refuses its token', async () => {
    const { user, runs } = plugin(credential({ token: 'issued' }));
    accepted.add('Bearer something else');
    const asking = new KubernetesClient(await findConnection({ kubeconfig: kubeconfig({ user }) }));
    const error = await failureOf(async () => asking.get(namespaces, { name: 'one' }));
    accepted.clear();
    expect(error.code).toBe('KUBERNETES_UNAUTHORIZED');
    expect(runs()).toBe(2);
    asking.close();
  });

  test('may hand out a certificate', async () => {
    const status = {
      clientCertificateData: readFileSync(client.certificate, 'utf8'),
      clientKeyData: readFileSync(client.key, 'utf8'),
    };
    await ask({ kubeconfig: kubeconfig({ user: plugin(credential(status)).user }) });
    expect(certificates.at(-1)).toBe('somebody');
  });

  test.each([
    ['fails', () => plugin('output-secret', 3), 'failed (exit code 3)'],
    ['prints no credential', () => plugin('{"token": "output-secret'), 'printed no ExecCredential'],
    ['prints one without a token', () => plugin(credential({ note: 'output-secret' })), 'gave no token'],
  ])('that %s is an error that holds no secret', async (_, make, message) => {
    const error = await failureOf(async () => ask({ kubeconfig: kubeconfig({ user: make().user }) }));
    expect(error.code).toBe('KUBERNETES_CREDENTIALS');
    expect(error.message).toContain(message);
    expect(inspect(error, { depth: 9 })).not.toContain('secret');
  });

  test('that is not installed is named, with its hint', async () => {
    const exec = {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: 'bulkhead-no-such-program',
      installHint: 'Install it from there.',
    };
    const error = await failureOf(async () => ask({ kubeconfig: kubeconfig({ user: { exec } }) }));
    expect(error.message).toMatch(
      /bulkhead-no-such-program, is not installed\n {2}hint: Install it from there\./,
    );
  });
});

describe('in a pod', () => {
  function pod(token: string): ConnectOptions & { serviceAccountDirectory: string } {
    const folder = mkdtempSync(join(directory, 'account-'));
    write(join(folder, 'token'), token);
    write(join(folder, 'namespace'), 'system');
    write(join(folder, 'ca.crt'), readFileSync(authority.certificate, 'utf8'));
    const { hostname, port } = new URL(server.url);
    return {
      serviceAccountDirectory: folder,
      environment: { HOME: folder, KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port },
    };
  }

  test('the service account lets in, with its token as it is now', async () => {
    const options = pod('first');
    const connection = await findConnection(options);
    expect([connection.namespace, connection.server.origin]).toEqual(['system', server.url]);
    expect(connection.podNamespace).toBe('system');
    const asking = new KubernetesClient(connection);
    await asking.get(namespaces, { name: 'one' });
    expect(server.requests.at(-1)?.headers.authorization).toBe('Bearer first');
    write(join(options.serviceAccountDirectory, 'token'), 'second');
    await asking.get(namespaces, { name: 'one' });
    expect(server.requests.at(-1)?.headers.authorization).toBe('Bearer second');
    asking.close();
  });

  test('a kubeconfig goes before the service account', async () => {
    const { environment, ...rest } = pod('of the account');
    const path = kubeconfig({ user: { token: 'of-the-file' } });
    const { headers } = await ask({ ...rest, environment: { ...environment, KUBECONFIG: path } });
    expect(headers.authorization).toBe('Bearer of-the-file');
  });

  test('without a token says so', async () => {
    const options = pod('');
    expect((await failureOf(async () => findConnection(options))).message).toContain(
      "KUBERNETES_CREDENTIALS: the service account's token is empty",
    );
    rmSync(join(options.serviceAccountDirectory, 'token'));
    expect((await failureOf(async () => findConnection(options))).message).toContain('ENOENT');
  });

  test('of an IPv6 cluster the address is written as URLs have it', async () => {
    const { environment, ...rest } = pod('first');
    const there = { ...environment, KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' };
    expect((await findConnection({ ...rest, environment: there })).server.href).toBe('https://[fd00::1]/');
  });
});

describe('secrets', () => {
  test('are in no error and in no printed connection', async () => {
    const broken = write(
      join(directory, 'broken'),
      'users:\n- user: {token: secret-value\n  x: [secret-value\n',
    );
    const unreachable = kubeconfig({
      cluster: { server: 'https://127.0.0.1:1' },
      user: { token: 'secret-value', username: 'me', password: 'secret-value' },
    });
    const badKey = kubeconfig({
      user: {
        'client-certificate-data': btoa('secret-value'),
        'client-key-data': btoa('-----BEGIN secret-value'),
        token: 'secret-value',
      },
    });
    const badHeader = kubeconfig({ user: { token: 'secret-value\nsecret-value' } });
    accepted.add('nobody');
    const refused = kubeconfig({ user: { token: 'secret-value' } });
    for (const path of [broken, unreachable, badKey, badHeader, refused]) {
      const error = await failureOf(async () => ask({ kubeconfig: path }));
      expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/secret-value|c2VjcmV0LXZhbHVl/);
    }
    accepted.clear();
    const connection = await findConnection({ kubeconfig: unreachable });
    const printed = inspect([connection, new KubernetesClient(connection)], { depth: 9, showHidden: true });
    expect(printed + JSON.stringify(connection)).not.toMatch(/secret-value|c2VjcmV0LXZhbHVl/);
  });
});

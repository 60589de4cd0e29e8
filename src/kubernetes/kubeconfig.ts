/**
 * A connection from a kubeconfig: its context, how to trust the cluster, and how its user is let in. What is not
 * supported is an error: to ignore `as` or `proxy-url` would act as somebody else or leave the network by another way.
 */
import type { Connection, Credentials, Identity, Trust } from './connection.ts';
import { ExecPlugin, decodeExecPlugin } from './exec-plugin.ts';
import { besideFile, invalidConfig, type Entry, type KubeconfigFiles } from './kubeconfig-files.ts';
import { readCredentialFile } from './read-file.ts';
import { asText } from './untyped.ts';

/** @throws BulkheadError KUBERNETES_CONFIG_INVALID */
export function kubeconfigConnection(files: KubeconfigFiles, wanted?: string): Connection {
  const name = wanted ?? files.currentContext;
  const where = files.paths.join(', ');
  if (name === undefined) {
    throw invalidConfig(
      `${where} has no current context`,
      `Choose one: kubectl config use-context NAME (there are: ${[...files.contexts.keys()].join(', ') || 'none'}).`,
    );
  }
  const context = find(files.contexts, name, { kind: 'context', where });
  const clusterName = asText(context.fields['cluster']) ?? '';
  const cluster = find(files.clusters, clusterName, { kind: 'cluster', where });
  const userName = asText(context.fields['user']) ?? '';
  const user: Entry =
    userName === ''
      ? { file: context.file, fields: {} }
      : find(files.users, userName, { kind: 'user', where });
  const trust = trustOf(cluster);
  return {
    server: serverOf(cluster, clusterName),
    namespace: asText(context.fields['namespace']) || 'default',
    origin: `context ${name} of ${where}`,
    trust,
    credentials: credentialsOf(user, userName),
  };
}

function find(
  entries: ReadonlyMap<string, Entry>,
  name: string,
  { kind, where }: { kind: string; where: string },
): Entry {
  const entry = entries.get(name);
  if (entry) return entry;
  const known = [...entries.keys()].join(', ') || 'none';
  throw invalidConfig(`${where} has no ${kind} ${JSON.stringify(name)}`, `There are: ${known}.`);
}

function serverOf({ fields }: Entry, name: string): URL {
  if (asText(fields['proxy-url'])) {
    throw invalidConfig(
      `cluster ${name} is to be reached by a proxy (proxy-url), which is not supported`,
      'Use an address that can be reached directly.',
    );
  }
  const text = asText(fields['server']) ?? '';
  const server = URL.canParse(text) ? new URL(text) : undefined;
  if (server && /^https?:$/.test(server.protocol) && server.username === '') return server;
  throw invalidConfig(
    `the server of cluster ${name} is no https:// or http:// address`,
    'Write its URL without user and password.',
  );
}

function trustOf(cluster: Entry): () => Promise<Trust> {
  const { fields } = cluster;
  const serverName = asText(fields['tls-server-name']);
  const verify = fields['insecure-skip-tls-verify'] !== true;
  const readAuthority = pemReader(cluster, 'certificate-authority', "the API server's authority");
  return async () => {
    const ca = verify ? await readAuthority() : undefined;
    return { verify, ...(ca ? { ca } : {}), ...(serverName ? { serverName } : {}) };
  };
}

/** Reads field `NAME-data` (base64), else the file that field `NAME` names. */
function pemReader(entry: Entry, name: string, what: string): () => Promise<string | undefined> {
  const inline = asText(entry.fields[`${name}-data`]);
  const path = asText(entry.fields[name]);
  if (inline) {
    const decoded = Buffer.from(inline, 'base64').toString('utf8');
    return () => Promise.resolve(decoded);
  }
  return () => (path ? readCredentialFile(besideFile(entry, path), what) : Promise.resolve(undefined));
}

function credentialsOf(user: Entry, name: string): Credentials {
  const { fields } = user;
  if (fields['auth-provider'] !== undefined) {
    throw invalidConfig(
      `user ${name} is let in by an auth-provider, which Kubernetes has removed`,
      'Use an exec plugin of your provider: it writes such a kubeconfig.',
    );
  }
  const impersonation = impersonationOf(user);
  const execConfig = decodeExecPlugin(user, name);
  const plugin = execConfig && new ExecPlugin(execConfig);
  const readCertificate = pemReader(user, 'client-certificate', `the certificate of user ${name}`);
  const readKey = pemReader(user, 'client-key', `the key of user ${name}`);
  const readBearer = bearerReader(user, name);
  return {
    identity: async (): Promise<Identity> => {
      const fromPlugin = await plugin?.identity();
      const [certificate, key] = [await readCertificate(), await readKey()];
      const authorization = await readBearer();
      return {
        ...fromPlugin,
        ...(certificate && key ? { certificate, key } : {}),
        headers: { ...fromPlugin?.headers, ...(authorization ? { authorization } : {}), ...impersonation },
      };
    },
    refused: () => plugin?.refused(),
  };
}

/** As in client-go: a token file goes before a token, a token before a password. */
function bearerReader(user: Entry, name: string): () => Promise<string | undefined> {
  const [file, token] = [asText(user.fields['tokenFile']), asText(user.fields['token'])];
  if (file) {
    const path = besideFile(user, file);
    return async () => `Bearer ${await readCredentialFile(path, `the token of user ${name}`)}`;
  }
  const [username, password] = [asText(user.fields['username']), asText(user.fields['password'])];
  const basic = username
    ? `Basic ${Buffer.from(`${username}:${password ?? ''}`).toString('base64')}`
    : undefined;
  const authorization = token ? `Bearer ${token.trim()}` : basic;
  return () => Promise.resolve(authorization);
}

function impersonationOf({ fields }: Entry): Record<string, string> {
  const user = asText(fields['as']);
  const others = ['as-groups', 'as-uid', 'as-user-extra'].filter((key) => fields[key] !== undefined);
  if (others.length > 0) {
    throw invalidConfig(
      `the user acts as another one with ${others.join(', ')}, which is not supported`,
      'Use a user of its own with the rights that are needed.',
    );
  }
  return user ? { 'impersonate-user': user } : {};
}

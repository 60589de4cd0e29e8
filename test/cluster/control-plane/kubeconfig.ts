/** Writes the file that kubectl and every client library find a cluster by. */
import { readFileSync, writeFileSync } from 'node:fs';
import { stringify } from 'yaml';
import type { KeyPair } from './authority.ts';

export interface Access {
  readonly server: string;
  /** Path of the authority's certificate. */
  readonly authority: string;
  readonly client: KeyPair;
}

/** Everything is inside: the file works from anywhere, and alone. Readable by its owner only. */
export function writeKubeconfig(path: string, { server, authority, client }: Access): string {
  const inline = (file: string): string => readFileSync(file).toString('base64');
  const name = 'bulkhead-test';
  const content = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server, 'certificate-authority-data': inline(authority) } }],
    users: [
      {
        name,
        user: {
          'client-certificate-data': inline(client.certificate),
          'client-key-data': inline(client.key),
        },
      },
    ],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  };
  writeFileSync(path, stringify(content, { lineWidth: 0 }), { mode: 0o600 });
  return path;
}

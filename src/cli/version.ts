import { readFileSync } from 'node:fs';

/** What a bug report must name. */
export interface Versions {
  readonly bulkhead: string;
  readonly node: string;
  readonly kernel: string;
  readonly platform: string;
}

/** The version in package.json, which is two folders up from here and one up from dist/bulkhead.js. */
export function packageVersion(): string {
  for (const path of ['../package.json', '../../package.json']) {
    const manifest = readManifest(new URL(path, import.meta.url));
    if (manifest?.name === 'bulkhead') return manifest.version;
  }
  throw new Error('package.json of bulkhead not found beside the program');
}

function readManifest(url: URL): { name: string; version: string } | undefined {
  try {
    return JSON.parse(readFileSync(url, 'utf8')) as { name: string; version: string };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

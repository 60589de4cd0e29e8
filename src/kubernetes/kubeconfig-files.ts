/**
 * The kubeconfig files of a user, merged as kubectl does it: of two entries with one name the first counts, and so
 * does the first current context. Upstream: k8s.io/client-go/tools/clientcmd/loader.go.
 */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { parse, YAMLError } from 'yaml';
import { BulkheadError, failure } from '../errors.ts';
import { systemCode } from './read-file.ts';
import { asFields, asList, asText, type Fields } from './untyped.ts';

/** A named entry and the file that it is from, to which its paths are relative. */
export interface Entry {
  readonly file: string;
  readonly fields: Fields;
}

export interface KubeconfigFiles {
  readonly paths: readonly string[];
  readonly currentContext: string | undefined;
  readonly contexts: ReadonlyMap<string, Entry>;
  readonly clusters: ReadonlyMap<string, Entry>;
  readonly users: ReadonlyMap<string, Entry>;
}

export interface KubeconfigLocation {
  /** A file that was named; it must exist. Otherwise `KUBECONFIG`, otherwise `~/.kube/config`. */
  readonly path?: string;
  readonly environment?: NodeJS.ProcessEnv;
}

/**
 * Undefined if there is no file at any of the places.
 * @throws BulkheadError KUBERNETES_CONFIG_INVALID, without quoting from the file.
 */
export function readKubeconfigFiles(location: KubeconfigLocation): KubeconfigFiles | undefined {
  const { path, environment = process.env } = location;
  const listed = (environment['KUBECONFIG'] ?? '').split(delimiter).filter((item) => item !== '');
  const home = environment['HOME'] ?? homedir();
  const candidates = path === undefined ? listed : [path];
  const paths = candidates.length > 0 ? candidates : [join(home, '.kube/config')];
  const files = paths.flatMap((file) => {
    const fields = readKubeconfig(resolve(file), path !== undefined);
    return fields ? [{ file: resolve(file), fields }] : [];
  });
  if (files.length === 0) return undefined;
  return {
    paths: files.map(({ file }) => file),
    currentContext: files
      .map(({ fields }) => asText(fields['current-context']))
      .find((name) => name !== undefined && name !== ''),
    contexts: merge(files, 'contexts', 'context'),
    clusters: merge(files, 'clusters', 'cluster'),
    users: merge(files, 'users', 'user'),
  };
}

/** The path, taken from the folder of the file that names it. */
export function besideFile(entry: Entry, path: string): string {
  return resolve(dirname(entry.file), path);
}

export function invalidConfig(message: string, hint: string): BulkheadError {
  return new BulkheadError(failure('KUBERNETES_CONFIG_INVALID', message, { hint }));
}

function merge(files: readonly Entry[], list: string, of: string): ReadonlyMap<string, Entry> {
  const entries = new Map<string, Entry>();
  for (const { file, fields } of files) {
    for (const item of asList(fields[list])) {
      const name = asText(asFields(item)?.['name']);
      if (name === undefined || entries.has(name)) continue;
      entries.set(name, { file, fields: asFields(asFields(item)?.[of]) ?? {} });
    }
  }
  return entries;
}

function readKubeconfig(file: string, mustExist: boolean): Fields | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' && !mustExist) return undefined;
    throw invalidConfig(`${file} cannot be read: ${code}`, 'Check the path, and that this user may read it.');
  }
  const fields = parseKubeconfig(file, text);
  if (fields) return fields;
  throw invalidConfig(
    `${file} is no kubeconfig`,
    'It must be a YAML mapping with clusters, users and contexts.',
  );
}

/** The parser's own message quotes the line, in which there may be a token. */
function parseKubeconfig(file: string, text: string): Fields | undefined {
  try {
    return asFields(parse(text, { logLevel: 'error' }));
  } catch (error) {
    const line = error instanceof YAMLError ? error.linePos?.[0].line : undefined;
    throw invalidConfig(
      `${file}${line === undefined ? '' : `:${line}`} is not valid YAML`,
      'Correct the file at the line given.',
    );
  }
}

/**
 * The plugin's place in the node's CNI configuration: the last one of the chain in the file that counts. Whoever else
 * writes that file may leave it out; then it is put in again.
 */
import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { gatePlugin } from '../../gate/protocol.ts';
import { BulkheadError, failure } from '../../errors.ts';
import { cniFiles } from '../cni.ts';

interface ConfigurationList {
  readonly plugins: readonly { readonly type?: unknown; readonly socket?: unknown }[];
}

/** True if it was not there. Throws BulkheadError GATE_NO_CHAIN where there is no chain (yet) that it could be in. */
export function joinCniChain(directory: string, gateSocket: string): boolean {
  const [file] = cniFiles(directory);
  if (file === undefined) {
    throw new BulkheadError(
      failure('GATE_NO_CHAIN', `there is no CNI configuration in ${directory} yet`, {
        hint: 'Install a CNI; the plugin joins its chain by itself.',
      }),
    );
  }
  const list = readList(file);
  if (!list) {
    throw new BulkheadError(
      failure('GATE_NO_CHAIN', `${file} is no list of plugins, so no plugin can be added to it`, {
        hint: 'Have the CNI write a .conflist with `plugins`, or do without the gate.',
      }),
    );
  }
  if (list.plugins.some(isGate)) return false;
  replaceFile(file, { ...list, plugins: [...list.plugins, { type: gatePlugin, socket: gateSocket }] });
  return true;
}

/** Gives the files that it was in. */
export function leaveCniChain(directory: string): readonly string[] {
  return cniFiles(directory).filter((file) => {
    const list = readList(file);
    if (!list?.plugins.some(isGate)) return false;
    replaceFile(file, { ...list, plugins: list.plugins.filter((plugin) => !isGate(plugin)) });
    return true;
  });
}

function isGate({ type }: ConfigurationList['plugins'][number]): boolean {
  return type === gatePlugin;
}

/** Undefined: one plugin, or nothing that can be read. */
function readList(file: string): ConfigurationList | undefined {
  try {
    const value = JSON.parse(readFileSync(file, 'utf8')) as Partial<ConfigurationList> | null;
    return Array.isArray(value?.plugins) ? { ...value, plugins: value.plugins } : undefined;
  } catch {
    return undefined;
  }
}

/** At once: a runtime that reads it finds the one or the other. A name like that of the new file counts for no runtime. */
function replaceFile(file: string, content: ConfigurationList): void {
  const mode = statSync(file).mode & 0o777;
  writeFileSync(`${file}.bulkhead`, `${JSON.stringify(content, undefined, 2)}\n`, { mode });
  renameSync(`${file}.bulkhead`, file);
}

/**
 * The CNI plugin on the node's disk. Container runtimes start plugins outside of every container, where there may be no
 * Node.js, no C library that fits it, not even a shell. So Node.js and the libraries that it is linked to come along, in a
 * folder beside the plugin; the plugin itself is a script whose first line leads to them:
 *
 *   bulkhead-gate            #!FOLDER/lib:start FOLDER/node
 *   FOLDER/lib:start         #!FOLDER/ld.so --library-path
 *
 * The kernel puts the two together (binfmt_script, execve(2)): ld.so --library-path FOLDER/lib:start FOLDER/node bulkhead-gate.
 * A library path is a list with colons, so its first member is FOLDER/lib.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gatePlugin } from '../../gate/protocol.ts';

/** Runtimes look for programs by the names in configurations; none begins with a dot. */
const folderPrefix = `.${gatePlugin}-`;

export function gateProgramPath(directory: string): string {
  return join(directory, gatePlugin);
}

/**
 * Puts the plugin into the directory, which must have the same path on the node as here; true if it was not there in this
 * version. Whatever happens on the way, what is under its name is whole.
 */
export function installGateProgram(
  directory: string,
  script = readFileSync(bundledScript(), 'utf8'),
): boolean {
  const { loader, libraries } = ownLibraries();
  const files = [process.execPath, loader, ...libraries];
  const digest = createHash('sha256').update(`${script}\0${process.version}\0`);
  for (const file of files) digest.update(`${basename(file)}\0${statSync(file).size}\0`);
  const folder = join(directory, `${folderPrefix}${digest.digest('hex').slice(0, 12)}`);
  const program = gateProgramPath(directory);
  const text = `#!${folder}/lib:start ${folder}/node\n${script}`;
  if (existsSync(folder) && existsSync(program) && readFileSync(program, 'utf8') === text) return false;
  // The one in use may be starting just now.
  const inUse = existsSync(program) ? readFileSync(program, 'utf8').split('/lib:start', 1)[0]?.slice(2) : '';
  removeFolders(directory, inUse);
  const making = `${folder}.new`;
  mkdirSync(join(making, 'lib'), { recursive: true, mode: 0o755 });
  copyFileSync(process.execPath, join(making, 'node'));
  copyFileSync(loader, join(making, 'ld.so'));
  for (const library of libraries) copyFileSync(library, join(making, 'lib', basename(library)));
  writeExecutable(join(making, 'lib:start'), `#!${folder}/ld.so --library-path\n`);
  rmSync(folder, { recursive: true, force: true });
  renameSync(making, folder);
  writeExecutable(`${program}.new`, text);
  renameSync(`${program}.new`, program);
  return true;
}

/** Must be in no configuration any more. */
export function removeGateProgram(directory: string): void {
  if (!existsSync(directory)) return;
  rmSync(gateProgramPath(directory), { force: true });
  removeFolders(directory);
}

function removeFolders(directory: string, except?: string): void {
  const names = existsSync(directory) ? readdirSync(directory) : [];
  for (const name of names.filter((one) => one.startsWith(folderPrefix))) {
    const folder = join(directory, name);
    if (folder !== except) rmSync(folder, { recursive: true });
  }
}

function writeExecutable(path: string, text: string): void {
  writeFileSync(path, text, { mode: 0o755 });
}

/** What Node.js itself is linked to, as the loader found it: asked of a process that has loaded nothing else. */
function ownLibraries(): { readonly loader: string; readonly libraries: readonly string[] } {
  const code =
    'process.report.excludeNetwork = true; console.log(JSON.stringify(process.report.getReport().sharedObjects))';
  const { stdout } = spawnSync(process.execPath, ['-e', code], { encoding: 'utf8' });
  const files = (JSON.parse(stdout) as string[]).filter((path) => path.startsWith('/'));
  const loader = files.find((path) => basename(path).startsWith('ld-'));
  if (loader === undefined) throw new Error('Node.js names no dynamic loader');
  return { loader, libraries: files.filter((path) => path !== loader) };
}

/** In dist/, which is this very folder once everything is bundled. */
function bundledScript(): string {
  const [bundled = '', built = ''] = ['./bulkhead-gate.cjs', '../../../dist/bulkhead-gate.cjs'].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  );
  return existsSync(bundled) ? bundled : built;
}

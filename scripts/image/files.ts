/**
 * What is in the image, in two layers: the runtime, which changes with Node.js and the build machine's libraries, and
 * Bulkhead, which changes with each commit and is small. No shell, no package manager, no certificates (Node.js has
 * those it needs, and a cluster its own).
 */
import { execFileSync, type StdioOptions } from 'node:child_process';
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { root } from '../deploy/names.ts';
import { libraryNamed, sharedLibraries } from './shared-libraries.ts';

export interface ImageFile {
  /** Absolute, in the image. */
  readonly path: string;
  /** A file of this machine, or content. */
  readonly source: string | { readonly content: string };
  readonly executable?: boolean;
}

export const home = '/opt/bulkhead';
export const launcher = '/usr/bin/bulkhead';

const nft = '/usr/sbin/nft';
const nodePackage = join(root, 'node_modules', `node-linux-${process.arch}`);

export function runtimeFiles(): readonly ImageFile[] {
  const node = join(nodePackage, 'bin/node');
  const libbpf = libraryNamed('libbpf.so.1');
  const libraries = [...sharedLibraries([node, nft, libbpf, koffiAddon()]), libbpf];
  return [
    { path: '/usr/bin/node', source: node, executable: true },
    { path: nft, source: nft, executable: true },
    ...libraries.map((path) => ({ path, source: realpathSync(path), executable: true })),
    { path: '/etc/passwd', source: { content: 'root:x:0:0:root:/root:/nonexistent\n' } },
    { path: '/etc/group', source: { content: 'root:x:0:\n' } },
    { path: '/etc/nsswitch.conf', source: { content: 'hosts: files dns\n' } },
    { path: '/usr/share/doc/nodejs/LICENSE', source: join(nodePackage, 'LICENSE') },
    ...copyrights([nft, ...libraries]),
  ];
}

export function bulkheadFiles(): readonly ImageFile[] {
  const dist = readdirSync(join(root, 'dist')).filter((name) => /\.(c?js|bpf\.o|txt)$/.test(name));
  const koffi = 'node_modules/koffi';
  const modules = readdirSync(join(root, koffi, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.js'))
    .map((name) => `src/${name}`);
  const addon = koffiAddon();
  const addonPackage = dirname(dirname(addon));
  const addonFiles = ['package.json', 'index.js', join(basename(dirname(addon)), basename(addon))];
  return [
    {
      path: launcher,
      source: { content: `#!/usr/bin/node\nimport('${home}/dist/bulkhead.js');\n` },
      executable: true,
    },
    ...['package.json', 'LICENSE'].map((name) => ofCheckout(name)),
    ...dist.map((name) => ofCheckout(`dist/${name}`)),
    ...['package.json', 'LICENSE.txt', 'index.js', ...modules].map((name) => ofCheckout(join(koffi, name))),
    ...addonFiles.map((name) => ofCheckout(join(addonPackage, name).slice(root.length + 1))),
  ];
}

function ofCheckout(path: string): ImageFile {
  return { path: `${home}/${path}`, source: join(root, path) };
}

/** The native half of koffi; the loader of the image is glibc's, so the one for musl stays out. */
function koffiAddon(): string {
  const { arch } = process;
  return join(root, `node_modules/@koromix/koffi-linux-${arch}/linux_${arch}/koffi.node`);
}

/** Of the Debian packages whose files are copied, as their licences ask. */
function copyrights(files: readonly string[]): readonly ImageFile[] {
  const packages = new Set(files.map(packageOf));
  return [...packages].flatMap((name) => {
    const path = `/usr/share/doc/${name}/copyright`;
    return name !== undefined && existsSync(path) ? [{ path, source: realpathSync(path) }] : [];
  });
}

/** Packages list their files with or without /usr, as they were made before or after the two became one. */
function packageOf(file: string): string | undefined {
  const real = realpathSync(file);
  for (const path of [real, real.replace(/^\/usr/, ''), file]) {
    try {
      const stdio: StdioOptions = ['ignore', 'pipe', 'ignore'];
      return execFileSync('dpkg-query', ['--search', path], { encoding: 'utf8', stdio }).split(':')[0];
    } catch {
      // Not by that name, or not Debian at all.
    }
  }
  return undefined;
}

/**
 * Bundles the command line into dist/: dist/bulkhead.js and one chunk for each part that is loaded on demand, so that a
 * command reads only what it needs. The kernel side is built by build-bpf.sh.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, type Metafile } from 'esbuild';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');

const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: { bulkhead: 'src/cli/main.ts' },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node22.18',
  chunkNames: 'chunk-[hash]',
  // Native code can't be bundled; koffi is a dependency of the package.
  external: ['koffi'],
  // Names stay, so that a stack trace in a bug report says something.
  minifySyntax: true,
  minifyWhitespace: true,
  // yaml is CommonJS and requires Node's own modules.
  banner: {
    js: "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);",
  },
  metafile: true,
  logLevel: 'warning',
});

// The CNI plugin starts by itself, and fast: one file that needs nothing else.
await build({
  absWorkingDir: root,
  entryPoints: { 'bulkhead-gate': 'src/gate/main.ts' },
  outdir: 'dist',
  outExtension: { '.js': '.cjs' },
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: 'node22.18',
  minifySyntax: true,
  logLevel: 'warning',
});

const written = new Set(Object.keys(metafile.outputs).map((path) => join(root, path)));
for (const name of readdirSync(dist)) {
  const path = join(dist, name);
  if (/^chunk-.*\.js$/.test(name) && !written.has(path)) rmSync(path);
}
writeFileSync(join(dist, 'THIRD-PARTY-LICENSES.txt'), licenses(metafile));

const bytes = Object.values(metafile.outputs).reduce((sum, output) => sum + output.bytes, 0);
console.log(`dist/bulkhead.js and ${written.size - 1} chunks, ${Math.round(bytes / 1024)} KiB`);

/** The licences of what is inside the bundle, which they ask to go along with it. */
function licenses({ inputs }: Metafile): string {
  const packages = new Set(
    Object.keys(inputs).flatMap((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []),
  );
  return [...packages]
    .toSorted()
    .map((name) => `${name}\n\n${readFileSync(join(root, 'node_modules', name, 'LICENSE'), 'utf8').trim()}\n`)
    .join('\n----------------------------------------\n\n');
}

/** A build of another version, whose tables in the kernel are laid out otherwise: what an upgrade brings. */
import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { imageRepository, root } from '../../scripts/deploy/names.ts';
import { run } from '../cluster/process/run.ts';

const version = '0.1.1-other';

/** Entries of local pods twice as long, and their fields elsewhere; the agents of both builds know only their own. */
const differences: readonly (readonly [file: string, before: string, after: string])[] = [
  ['package.json', '"version": "0.1.0"', `"version": "${version}"`],
  [
    'bpf/tables.h',
    'struct subject {\n\t__u32 identity;',
    'struct subject {\n\t__u32 more[4];\n\t__u32 identity;',
  ],
  [
    'src/datapath/ebpf/layout.ts',
    'subject: { size: 16, identity: 0, ingress_set: 4, egress_set: 8, role: 12 }',
    'subject: { size: 32, identity: 16, ingress_set: 20, egress_set: 24, role: 28 }',
  ],
  ['src/datapath/ebpf/table-memory.ts', 'subjects: 4 * sizes.subjects', 'subjects: 8 * sizes.subjects'],
];

/** Makes it in a folder that is empty. */
export async function buildOther(
  folder: string,
): Promise<{ readonly image: string; readonly reference: string }> {
  for (const name of ['bpf', 'deploy', 'scripts', 'src', 'package.json', 'LICENSE'])
    cpSync(join(root, name), join(folder, name), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  for (const [file, before, after] of differences) {
    const path = join(folder, file);
    const text = readFileSync(path, 'utf8');
    if (!text.includes(before)) throw new Error(`${file} no longer has ${before}`);
    writeFileSync(path, text.replace(before, after));
  }
  await run(join(folder, 'scripts/build-bpf.sh'), []);
  await run(process.execPath, [join(folder, 'scripts/build.ts')]);
  const image = join(folder, 'image.tar');
  await run(process.execPath, [join(folder, 'scripts/build-image.ts'), image]);
  return { image, reference: `${imageRepository}:${version}` };
}

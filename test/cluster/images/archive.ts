/** Makes an image of one layer without a container engine: the docker-archive that `ctr images import` reads. */
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { arch } from 'node:os';
import { dirname, join } from 'node:path';
import { run } from '../process/run.ts';

export interface Image {
  /** With registry and tag, exactly as pods name it. */
  readonly reference: string;
  /** Files of this machine by their path in the image; all become executable. */
  readonly files: Readonly<Record<string, string>>;
  readonly entrypoint: readonly string[];
}

/** The archive appears at `path` whole or not at all. */
export async function writeImageArchive(image: Image, path: string): Promise<void> {
  mkdirSync(dirname(path), { recursive: true });
  const folder = mkdtempSync(`${path}.making-`);
  try {
    const [root, content] = [join(folder, 'root'), join(folder, 'content')];
    for (const [inside, source] of Object.entries(image.files)) {
      const target = join(root, inside);
      mkdirSync(dirname(target), { recursive: true });
      copyFileSync(source, target);
      chmodSync(target, 0o755);
    }
    mkdirSync(join(root, 'tmp'), { mode: 0o1777 });
    mkdirSync(content);
    const layer = join(content, 'layer.tar');
    const reproducible = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner'];
    await run('tar', ['-C', root, ...reproducible, '-cf', layer, '.']);
    const config = JSON.stringify({
      architecture: arch() === 'x64' ? 'amd64' : arch(),
      os: 'linux',
      config: { Entrypoint: image.entrypoint, Env: ['PATH=/usr/local/bin:/usr/bin:/bin:/'] },
      rootfs: { type: 'layers', diff_ids: [`sha256:${sha256(readFileSync(layer))}`] },
    });
    const configName = `${sha256(config)}.json`;
    writeFileSync(join(content, configName), config);
    const manifest = [{ Config: configName, RepoTags: [image.reference], Layers: ['layer.tar'] }];
    writeFileSync(join(content, 'manifest.json'), JSON.stringify(manifest));
    const archive = join(folder, 'archive.tar');
    await run('tar', ['-C', content, ...reproducible, '-cf', archive, '.']);
    renameSync(archive, path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function sha256(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

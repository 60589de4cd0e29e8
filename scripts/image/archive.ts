/**
 * Writes an image archive that `ctr images import`, `docker load`, `podman load` and `skopeo copy` take: an OCI image
 * layout, with docker's manifest.json beside it. The same files make the same bytes: names are sorted, owners are root,
 * times are one time, and layers are not compressed, as compressors differ between machines. GNU tar writes the tar
 * files: it is on every machine that builds, and makes exactly the form that is asked for.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { ImageFile } from './files.ts';

export interface Image {
  /** With registry and tag. */
  readonly reference: string;
  readonly entrypoint: readonly string[];
  readonly environment: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** Those that change least come first. */
  readonly layers: readonly (readonly ImageFile[])[];
  /** Seconds since the epoch: of every file, and of the image. */
  readonly time: number;
}

interface Blob {
  readonly digest: string;
  readonly size: number;
}

const types = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
};

/** Gives the digest of the image. The archive appears at `path` whole or not at all. */
export function writeImageArchive(image: Image, path: string): string {
  mkdirSync(dirname(path), { recursive: true });
  const folder = mkdtempSync(`${path}.making-`);
  try {
    const layout = join(folder, 'layout');
    const blobs = join(layout, 'blobs/sha256');
    mkdirSync(blobs, { recursive: true });
    const layers = image.layers.map((files, index) => {
      const tree = join(folder, `layer-${index}`);
      for (const file of files) place(file, tree);
      writeTar(tree, `${tree}.tar`, image.time);
      const content = readFileSync(`${tree}.tar`);
      renameSync(`${tree}.tar`, join(blobs, sha256(content)));
      return { digest: `sha256:${sha256(content)}`, size: content.length };
    });
    const config = addJson(blobs, configOf(image, layers));
    const manifest = addJson(blobs, {
      schemaVersion: 2,
      mediaType: types.manifest,
      config: { mediaType: types.config, ...config },
      layers: layers.map((layer) => ({ mediaType: types.layer, ...layer })),
    });
    writeLayout(layout, image, { config, manifest, layers });
    const archive = join(folder, 'archive.tar');
    writeTar(layout, archive, image.time);
    renameSync(archive, path);
    return manifest.digest;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function configOf({ time, entrypoint, environment, labels }: Image, layers: readonly Blob[]): unknown {
  const created = new Date(time * 1000).toISOString();
  return {
    created,
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    os: 'linux',
    config: { Entrypoint: entrypoint, Env: environment, Labels: labels, WorkingDir: '/' },
    rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
    history: layers.map(() => ({ created, created_by: 'scripts/build-image.ts' })),
  };
}

function writeLayout(
  layout: string,
  { reference }: Image,
  {
    config,
    manifest,
    layers,
  }: { readonly config: Blob; readonly manifest: Blob; readonly layers: readonly Blob[] },
): void {
  const annotations = {
    'io.containerd.image.name': reference,
    'org.opencontainers.image.ref.name': reference.slice(reference.lastIndexOf(':') + 1),
  };
  const index = {
    schemaVersion: 2,
    mediaType: types.index,
    manifests: [{ mediaType: types.manifest, ...manifest, annotations }],
  };
  const blobPath = ({ digest }: Blob): string => `blobs/${digest.replace(':', '/')}`;
  const docker = [{ Config: blobPath(config), RepoTags: [reference], Layers: layers.map(blobPath) }];
  writeFileSync(join(layout, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  writeFileSync(join(layout, 'index.json'), JSON.stringify(index));
  writeFileSync(join(layout, 'manifest.json'), JSON.stringify(docker));
}

function place({ path, source, executable = false }: ImageFile, tree: string): void {
  const target = join(tree, path);
  mkdirSync(dirname(target), { recursive: true });
  if (typeof source === 'string') copyFileSync(source, target);
  else writeFileSync(target, source.content);
  chmodSync(target, executable ? 0o755 : 0o644);
}

function writeTar(tree: string, file: string, time: number): void {
  // Directories have the mode that whoever builds has chosen by umask; here they have one.
  const modes = '--mode=u=rwX,go=rX';
  const owners = ['--owner=0', '--group=0', '--numeric-owner'];
  const form = ['--format=ustar', '--sort=name', `--mtime=@${time}`, modes, ...owners];
  // Named one by one, as some readers look for `manifest.json` and not for `./manifest.json`.
  execFileSync('tar', ['-C', tree, ...form, '-cf', file, ...readdirSync(tree).sort()]);
}

function addJson(blobs: string, value: unknown): Blob {
  const content = JSON.stringify(value);
  const digest = sha256(content);
  writeFileSync(join(blobs, digest), content);
  return { digest: `sha256:${digest}`, size: Buffer.byteLength(content) };
}

function sha256(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

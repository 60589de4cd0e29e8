/** The image: the same bytes each time, small enough, whole: it runs, and loads its programs, with nothing else. */
import { execFile, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { capabilities } from '../../scripts/deploy/daemon-set.ts';
import { imageReference, root, version } from '../../scripts/deploy/names.ts';
import { writeImageArchive, type Image } from '../../scripts/image/archive.ts';
import { launcher } from '../../scripts/image/files.ts';
import { run } from '../cluster/process/run.ts';

const script = join(root, 'scripts/build-image.ts');
const execute = promisify(execFile);

interface DockerManifest {
  readonly Config: string;
  readonly RepoTags: readonly string[];
  readonly Layers: readonly string[];
}

/** An API server that nobody is at. */
const nowhere = JSON.stringify({
  clusters: [{ name: 'none', cluster: { server: 'https://127.0.0.1:1' } }],
  users: [{ name: 'none', user: { token: 'none' } }],
  contexts: [{ name: 'none', context: { cluster: 'none', user: 'none' } }],
  'current-context': 'none',
});

const folder = mkdtempSync(join(tmpdir(), 'bulkhead-image-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('an image archive', () => {
  const source = join(folder, 'file');
  const image = (content: string): Image => ({
    reference: 'test/one:1',
    entrypoint: ['/one'],
    environment: [],
    labels: {},
    layers: [[{ path: '/one', source: { content }, executable: true }], [{ path: '/deep/two', source }]],
    time: 1_000_000_000,
  });

  test('is the same bytes for the same files, whenever and wherever they were made', () => {
    execFileSync('sh', ['-c', 'umask 077 && echo two >"$1"', 'sh', source]);
    const digest = writeImageArchive(image('1'), join(folder, 'a.tar'));
    utimesSync(source, 1, 1);
    expect(writeImageArchive(image('1'), join(folder, 'b.tar'))).toBe(digest);
    expect(readFileSync(join(folder, 'a.tar')).equals(readFileSync(join(folder, 'b.tar')))).toBe(true);
    expect(writeImageArchive(image('2'), join(folder, 'c.tar'))).not.toBe(digest);
  });
});

const built = existsSync(join(root, 'dist/bulkhead.js')) && existsSync(join(root, 'dist/bulkhead.bpf.o'));

describe.skipIf(!built)('the image (skipped without dist/: npm run build)', () => {
  const archive = join(folder, 'image.tar');
  const tree = join(folder, 'tree');
  let digest = '';
  let manifest: DockerManifest | undefined;

  beforeAll(async () => {
    digest = await build(archive);
    const layout = join(folder, 'layout');
    mkdirSync(layout);
    mkdirSync(tree);
    await run('tar', ['-C', layout, '-xf', archive]);
    [manifest] = JSON.parse(readFileSync(join(layout, 'manifest.json'), 'utf8')) as [DockerManifest];
    for (const layer of manifest.Layers) await run('tar', ['-C', tree, '-xf', join(layout, layer)]);
    rmSync(layout, { recursive: true });
  });

  async function build(file: string): Promise<string> {
    const { stdout } = await execute(process.execPath, [script, file], { cwd: tmpdir() });
    return stdout.trim().split('\n').at(-1) ?? '';
  }

  test('is the same each time it is built', async () => {
    const again = join(folder, 'again.tar');
    expect(await build(again)).toBe(digest);
    expect((await run('sha256sum', [again])).slice(0, 64)).toBe(
      (await run('sha256sum', [archive])).slice(0, 64),
    );
    rmSync(again);
  });

  test('is named as the DaemonSet names it, and takes at most 150 MB', () => {
    expect(manifest?.RepoTags).toEqual([imageReference]);
    expect(statSync(archive).size).toBeLessThan(150e6);
  });

  test('carries the licences of what is in it', () => {
    const needed = ['nodejs/LICENSE', 'libc6/copyright', 'libbpf1/copyright', 'nftables/copyright'];
    const present = needed.filter((name) => existsSync(join(tree, 'usr/share/doc', name)));
    expect(present).toEqual(existsSync('/usr/share/doc/libc6') ? needed : present);
  });

  test.skipIf(process.geteuid?.() !== 0)('[root] runs with nothing but itself', async () => {
    const output = await run('chroot', [tree, '/usr/bin/bulkhead', 'version', '-o', 'json']);
    expect(JSON.parse(output)).toMatchObject({ bulkhead: version });
    expect(await run('chroot', [tree, '/usr/sbin/nft', '--version'])).toContain('nftables');
  });

  test.skipIf(process.geteuid?.() !== 0).each(['ebpf', 'nftables'])(
    '[root] its agent closes a node by %s, with what the DaemonSet lets it do',
    async (engine) => {
      // chroot(8) needs a right of its own, which a container runtime does without.
      const rights = ['-all', '+sys_chroot', ...capabilities.map((name) => `+${name.toLowerCase()}`)].join(
        ',',
      );
      const prepare = [
        'cd "$1" && shift && mkdir -p proc sys run && mount -t proc proc proc && mount -t sysfs sysfs sys',
        'mount -t bpf bpf sys/fs/bpf && mount -t tmpfs tmpfs run && echo "$KUBECONFIG_TEXT" >run/kubeconfig',
        'exec setpriv --bounding-set="$1" --inh-caps="$1" --no-new-privs chroot . "$2" "$3" --datapath="$4" \\',
        '  --kubeconfig=/run/kubeconfig --node-name=n1 --health-port=0 --pod-interfaces=veth',
      ];
      const agent = spawn(
        'unshare',
        ['--net', '--mount', 'sh', '-euc', prepare.join('\n'), 'sh', tree, rights, launcher, 'agent', engine],
        { env: { PATH: process.env.PATH, KUBECONFIG_TEXT: nowhere }, stdio: ['ignore', 'ignore', 'pipe'] },
      );
      let log = '';
      for await (const text of agent.stderr.setEncoding('utf8')) {
        log += String(text);
        // Once: an agent that is told a second time ends at once.
        if (log.includes('its pods are closed') && !agent.killed) agent.kill();
      }
      expect(log).toContain(`engine=${engine}`);
      expect(log).toContain('stopped; the kernel goes on enforcing');
    },
  );
});

/** What a node has for itself of the machine's file system: its own mounts, seen by its processes alone. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface NodeFiles {
  /** The node's folder, as the host sees it. */
  readonly directory: string;
  /** Where the node's /etc is written from outside; what the host has in /etc shows through. */
  readonly etc: string;
  readonly run: string;
  readonly varLib: string;
  /** /opt/cni/bin of the node. */
  readonly cniPlugins: string;
  /** Exists as soon as the node's mounts are made. */
  readonly ready: string;
}

/** Inside the node: where its programs are. */
export const programsFolder = '/opt/parts';

export function nodeFiles(directory: string): NodeFiles {
  const run = join(directory, 'run');
  return {
    directory,
    etc: join(directory, 'etc'),
    run,
    varLib: join(directory, 'var-lib'),
    cniPlugins: join(directory, 'opt/cni/bin'),
    ready: join(run, 'node-ready'),
  };
}

/**
 * What kubelet would write to the machine's own settings, or end if it cannot: in the node these files already say what it
 * wants, so that it leaves them.
 */
const kubeletTunables: Readonly<Record<string, string>> = {
  'vm/overcommit_memory': '1',
  'vm/panic_on_oom': '0',
  'kernel/panic': '10',
  'kernel/panic_on_oops': '1',
  'kernel/keys/root_maxkeys': '1000000',
  'kernel/keys/root_maxbytes': '25000000',
};

/** Makes the folders, empty where a reboot empties them. */
export function prepareNodeFiles(files: NodeFiles, programs: Readonly<Record<string, string>>): void {
  rmSync(files.run, { recursive: true, force: true });
  rmSync(join(files.directory, 'etc-work'), { recursive: true, force: true });
  const folders = ['run', 'etc', 'etc-work', 'var-lib', 'var-log', 'opt/cni/bin', 'opt/parts', 'tunables'];
  for (const folder of folders) mkdirSync(join(files.directory, folder), { recursive: true });
  for (const name of Object.keys(programs)) writeFileSync(join(files.directory, 'opt/parts', name), '');
  for (const [key, value] of Object.entries(kubeletTunables)) {
    writeFileSync(join(files.directory, tunableFile(key)), `${value}\n`);
  }
}

/**
 * The script of the node's first process, run in new mount and host name namespaces. Its mounts are shared with what the
 * node starts, and nobody else; they vanish with the node's last process.
 */
export function nodeInitScript(
  name: string,
  files: NodeFiles,
  programs: Readonly<Record<string, string>>,
): string {
  const at = (folder: string): string => quote(join(files.directory, folder));
  const bind = (source: string, target: string): string => `mount --rbind ${source} ${target}`;
  return [
    'set -e',
    ...Object.entries(programs).map(([part, path]) => bind(quote(path), at(`opt/parts/${part}`))),
    // A /sys that shows the node's network, with the control groups, which a new one lacks, and BPF pins of its own.
    `mkdir -p ${at('run/cgroup')}`,
    bind('/sys/fs/cgroup', at('run/cgroup')),
    'mount -t sysfs sysfs /sys',
    bind(at('run/cgroup'), '/sys/fs/cgroup'),
    `umount --lazy ${at('run/cgroup')}`,
    'mount -t bpf bpf /sys/fs/bpf',
    'mount -t proc proc /proc',
    ...Object.keys(kubeletTunables).map(
      (key) => `[ ! -e /proc/sys/${key} ] || ${bind(at(tunableFile(key)), `/proc/sys/${key}`)}`,
    ),
    `mount -t overlay overlay -o lowerdir=/etc,upperdir=${at('etc')},workdir=${at('etc-work')} /etc`,
    bind(at('var-lib'), '/var/lib'),
    bind(at('var-log'), '/var/log'),
    bind(at('opt'), '/opt'),
    // The last one, for it hides all the folders above.
    bind(at('run'), '/run'),
    'mount --make-rshared /',
    `hostname ${quote(name)}`,
    'touch /run/node-ready',
    `exec ${programsFolder}/pause`,
  ].join('\n');
}

function tunableFile(key: string): string {
  return `tunables/${key.replaceAll('/', '.')}`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

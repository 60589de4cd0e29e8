/** What a cluster is made of, and which Go package each part is. Versions are those of the go.mod beside this file. */
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** A Go module of ours, with a folder here, that names packages of one upstream module as its tools. */
export interface Group {
  readonly folder: string;
  /** The upstream module, whose version is the group's. */
  readonly module: string;
  /** Variables of the linker, where the program would not know its version otherwise. */
  readonly linkerVariables: (version: string) => Readonly<Record<string, string>>;
  /** Build constraints, where much can be left out. */
  readonly tags?: readonly string[];
}

const groups = {
  etcd: { folder: 'etcd', module: 'go.etcd.io/etcd/server/v3', linkerVariables: () => ({}) },
  kubernetes: {
    folder: 'kubernetes',
    module: 'k8s.io/kubernetes',
    linkerVariables: (version) => {
      const [major = '', minor = ''] = version.replace(/^v/, '').split('.');
      const variable = 'k8s.io/component-base/version';
      return {
        [`${variable}.gitVersion`]: version,
        [`${variable}.gitMajor`]: major,
        [`${variable}.gitMinor`]: minor,
      };
    },
  },
  // A group of its own: its program is ours, and what it needs must not make the others be built anew.
  'upstream-suite': {
    folder: 'upstream-suite',
    module: 'k8s.io/kubernetes',
    linkerVariables: () => ({}),
  },
  containerd: {
    folder: 'containerd',
    module: 'github.com/containerd/containerd/v2',
    linkerVariables: (version) => ({ 'github.com/containerd/containerd/v2/version.Version': version }),
  },
  helm: {
    folder: 'helm',
    module: 'helm.sh/helm/v4',
    linkerVariables: (version) => ({ 'helm.sh/helm/v4/internal/version.version': version }),
  },
  prometheus: {
    folder: 'prometheus',
    module: 'github.com/prometheus/prometheus',
    linkerVariables: () => ({}),
    // The clients of every cloud, which only scraping needs.
    tags: ['remove_all_sd'],
  },
  'kube-router': {
    folder: 'kube-router',
    module: 'github.com/cloudnativelabs/kube-router/v2',
    linkerVariables: (version) => ({
      'github.com/cloudnativelabs/kube-router/v2/pkg/version.Version': version,
    }),
  },
} as const satisfies Record<string, Group>;

const packages = {
  etcd: [groups.etcd, 'go.etcd.io/etcd/server/v3'],
  'kube-apiserver': [groups.kubernetes, 'k8s.io/kubernetes/cmd/kube-apiserver'],
  'kube-controller-manager': [groups.kubernetes, 'k8s.io/kubernetes/cmd/kube-controller-manager'],
  'kube-scheduler': [groups.kubernetes, 'k8s.io/kubernetes/cmd/kube-scheduler'],
  kubelet: [groups.kubernetes, 'k8s.io/kubernetes/cmd/kubelet'],
  'kube-proxy': [groups.kubernetes, 'k8s.io/kubernetes/cmd/kube-proxy'],
  kubectl: [groups.kubernetes, 'k8s.io/kubernetes/cmd/kubectl'],
  agnhost: [groups.kubernetes, 'k8s.io/kubernetes/test/images/agnhost'],
  'netpol-suite': [groups['upstream-suite'], '.'],
  containerd: [groups.containerd, 'github.com/containerd/containerd/v2/cmd/containerd'],
  'containerd-shim-runc-v2': [
    groups.containerd,
    'github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2',
  ],
  ctr: [groups.containerd, 'github.com/containerd/containerd/v2/cmd/ctr'],
  helm: [groups.helm, 'helm.sh/helm/v4/cmd/helm'],
  promtool: [groups.prometheus, 'github.com/prometheus/prometheus/cmd/promtool'],
  'kube-router': [groups['kube-router'], 'github.com/cloudnativelabs/kube-router/v2/cmd/kube-router'],
} as const satisfies Record<string, readonly [Group, string]>;

export type PartName = keyof typeof packages;

export const lightParts = ['etcd', 'kube-apiserver'] as const satisfies readonly PartName[];
/** What checks deploy/, judges a cluster or is to be migrated from, and is no part of one. */
const tools: readonly PartName[] = ['helm', 'promtool', 'netpol-suite', 'kube-router'];
/** Of a cluster, and what its tests need besides; kube-router, which one test alone needs, is built by who asks for it. */
export const everyPart = (Object.keys(packages) as PartName[]).filter((name) => name !== 'kube-router');
/** Of a whole cluster. */
export const allParts = everyPart.filter((name) => !tools.includes(name));

export interface Part {
  readonly name: PartName;
  /** Where its go.mod is. */
  readonly moduleFolder: string;
  readonly package: string;
  readonly linkerFlags: string;
  readonly tags: string;
  readonly version: string;
  /** Changes with everything that the binary depends on, but for the Go compiler. */
  readonly cacheKey: string;
}

export function partNamed(name: PartName): Part {
  const [group, goPackage]: readonly [Group, string] = packages[name];
  const moduleFolder = join(import.meta.dirname, group.folder);
  const manifest = readFileSync(join(moduleFolder, 'go.mod'), 'utf8');
  const version = versionOf(group.module, manifest);
  const variables = Object.entries(group.linkerVariables(version)).map(
    ([key, value]) => `-X ${key}=${value}`,
  );
  const linkerFlags = ['-s', '-w', ...variables].join(' ');
  const tags = (group.tags ?? []).join(',');
  const digest = createHash('sha256').update(manifest).update(linkerFlags).update(tags);
  for (const source of readdirSync(moduleFolder).filter((file) => file.endsWith('.go')))
    digest.update(readFileSync(join(moduleFolder, source)));
  return {
    name,
    moduleFolder,
    package: goPackage,
    linkerFlags,
    tags,
    version,
    cacheKey: `${group.folder}-${version}-${digest.digest('hex').slice(0, 8)}`,
  };
}

function versionOf(module: string, manifest: string): string {
  const required = manifest
    .split('\n')
    .map((line) => line.trim().replace(/^require /, ''))
    .find((line) => line.startsWith(`${module} v`));
  const version = required?.split(' ')[1];
  if (version === undefined) throw new Error(`no version of ${module} in its go.mod`);
  return version;
}

/**
 * The light form of a cluster: etcd and kube-apiserver on loopback, without nodes and controllers, for tests of what talks
 * to the API. Needs no root.
 */
import { join } from 'node:path';
import { ApiClient } from '../api/client.ts';
import { ensureParts, type Progress } from '../parts/cache.ts';
import { lightParts } from '../parts/catalogue.ts';
import { Component } from '../process/component.ts';
import { apiserverCommand } from './apiserver.ts';
import { Authority, type Identity } from './authority.ts';
import { etcdCommand, etcdUrl, isEtcdReady } from './etcd.ts';
import { writeKubeconfig } from './kubeconfig.ts';
import { freePorts } from './loopback-port.ts';
import {
  makeNamedDirectory,
  makeOwnedDirectory,
  removeDirectory,
  sweepDeadOwners,
} from './owned-directory.ts';

export interface ControlPlane {
  /** Path of a kubeconfig that may do everything. */
  readonly kubeconfig: string;
  readonly url: string;
  /** Everything that it keeps on disk, logs included; gone after `stop`. */
  readonly directory: string;
  readonly etcdUrl: string;
  /** For faults: `pause`, `resume`, `kill`, `start`, `restart`. They come back on the same ports and with all objects. */
  readonly etcd: Component;
  readonly apiserver: Component;
  /** A kubeconfig for a user with these groups, who may do what RBAC allows. `name` is that of the file. */
  kubeconfigFor(name: string, identity: Identity): Promise<string>;
  stop(): Promise<void>;
}

export interface ControlPlaneOptions {
  readonly progress?: Progress;
  /** Keeps it running after this process has ended, until its folder of this name is removed. */
  readonly keepAs?: string;
  /** More options of kube-apiserver. */
  readonly apiserverOptions?: readonly string[];
}

const patienceMs = 60_000;
const attempts = 3;
/** A fifth less processor time for somewhat more memory: most writes of a test come in bursts. */
const environment = { GOGC: '400' };

/** Starts one and waits until it serves. It ends with this process at the latest, however that ends. */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const { progress = () => undefined, keepAs } = options;
  await sweepDeadOwners();
  const parts = await ensureParts(lightParts, progress);
  for (let attempt = 1; ; attempt++) {
    const directory = keepAs === undefined ? makeOwnedDirectory() : makeNamedDirectory(keepAs);
    try {
      return await startIn(directory, parts, options);
    } catch (error) {
      await removeDirectory(directory);
      // Between finding a port free and listening on it somebody else may have taken it.
      if (attempt === attempts || !String(error).includes('address already in use')) throw error;
    }
  }
}

async function startIn(
  directory: string,
  parts: Readonly<Record<(typeof lightParts)[number], string>>,
  { keepAs, apiserverOptions = [] }: ControlPlaneOptions,
): Promise<ControlPlane> {
  const [clientPort = 0, peerPort = 0, port = 0] = await freePorts(3);
  const url = `https://127.0.0.1:${port}`;
  const common = { directory, diesWithStarter: keepAs === undefined, patienceMs, environment };

  const etcdPlan = { binary: parts.etcd, dataDirectory: directory, clientPort, peerPort };
  const etcd = new Component({
    ...common,
    name: 'etcd',
    command: () => etcdCommand(etcdPlan),
    isReady: async () => isEtcdReady(etcdUrl(etcdPlan)),
  });
  const etcdStarted = etcd.start();
  // Its failure is told where it is awaited, below.
  etcdStarted.catch(() => undefined);

  const authority = await Authority.create(directory);
  const [server, serviceAccounts, admin] = await Promise.all([
    authority.issue('apiserver', {
      user: 'kube-apiserver',
      hosts: ['127.0.0.1', 'localhost', 'kubernetes.default.svc'],
    }),
    authority.issue('service-accounts', { user: 'service-accounts' }),
    authority.issue('admin', { user: 'admin', groups: ['system:masters'] }),
  ]);
  const access = { server: url, authority: authority.certificate };
  const kubeconfig = writeKubeconfig(join(directory, 'kubeconfig'), { ...access, client: admin });
  const client = new ApiClient(kubeconfig, 1);
  const apiserver = new Component({
    ...common,
    name: 'kube-apiserver',
    command: () =>
      apiserverCommand({
        binary: parts['kube-apiserver'],
        etcd: etcdUrl(etcdPlan),
        bindAddress: '127.0.0.1',
        port,
        authority: authority.certificate,
        server,
        serviceAccounts,
        serviceRanges: ['10.96.0.0/16'],
        more: [
          '--advertise-address=127.0.0.1',
          '--endpoint-reconciler-type=none',
          // No controller makes the service accounts that this would wait for.
          '--disable-admission-plugins=ServiceAccount',
          ...apiserverOptions,
        ],
      }),
    isReady: async () => client.isReady(),
  });
  await etcdStarted;
  await apiserver.start();

  return {
    kubeconfig,
    url,
    directory,
    etcdUrl: etcdUrl(etcdPlan),
    etcd,
    apiserver,
    kubeconfigFor: async (name, identity) =>
      writeKubeconfig(join(directory, `${name}.kubeconfig`), {
        ...access,
        client: await authority.issue(name, identity),
      }),
    stop: async () => {
      client.close();
      await removeDirectory(directory);
    },
  };
}

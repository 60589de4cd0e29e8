/** Parts of nodes, and whole ones, go away. */
import { setTimeout as sleep } from 'node:timers/promises';
import { system } from './cluster-stand.ts';
import type { ClusterStand } from './cluster-stand.ts';
import type { Fault, FaultRow } from './fault.ts';

export const nodeFaults: readonly Fault<ClusterStand>[] = [
  {
    name: 'kubelet is killed on both nodes, and started again',
    outcome: 'pods and the agent go on; kubelet finds them as they are',
    run: async ({ cluster }) => {
      for (const { kubelet } of cluster.nodes) await kubelet.restart();
      await sleep(3000);
    },
  },
  {
    name: 'containerd is killed on both nodes, and started again',
    outcome: 'the same',
    run: async (stand) => {
      for (const { containerd } of stand.cluster.nodes) await containerd.restart();
      await sleep(3000);
      for (const { name } of stand.cluster.nodes) await stand.nodeReady(name);
    },
  },
  {
    name: 'kube-proxy is killed on both nodes, and started again',
    outcome: 'its tables are its own',
    run: async ({ cluster }) => {
      for (const { kubeProxy } of cluster.nodes) await kubeProxy.restart();
      await sleep(1000);
    },
  },
  {
    name: 'the API server is killed for ten seconds, and etcd stops answering for as long',
    outcome: 'the kernel keeps what it has',
    run: async ({ cluster }) => {
      await cluster.apiserver.kill();
      await sleep(10_000);
      await cluster.apiserver.start();
      await cluster.etcd.pause();
      await sleep(10_000);
      cluster.etcd.resume();
    },
  },
  {
    name: 'the agents are replaced by a rollout (kubectl rollout restart), node by node',
    outcome: 'programs and tables stay in the kernel until those of the new agent are in their place',
    run: async (stand) => {
      await stand.kubectl([...system, 'rollout', 'restart', 'daemonset/bulkhead']);
      await stand.rolledOut();
    },
  },
  {
    name: 'the agents are deleted by force, all at once (kubectl delete pod --force)',
    outcome: 'the same',
    run: async (stand) => {
      await stand.kubectl([...system, 'delete', 'pod', '--all', '--force', '--grace-period=0']);
      await sleep(1000);
      await stand.rolledOut();
    },
  },
  {
    name: 'the agents are replaced by those of another build, whose maps are laid out otherwise, and these by the first',
    outcome: 'the same: no build reads what another has written',
    run: async (stand) => {
      const { other, first } = stand.images;
      for (const image of [other, first]) await stand.useImage(image);
    },
  },
];

/** A test of its own: the probes end with their pods. */
export const gracefulDeletion: FaultRow = {
  name: 'all pods are deleted, and go on sending and answering for the time that they are given to end',
  outcome: 'a pod has its policies, and is the peer that it was, until it is gone',
};

/** A test of its own: the probes on the node end with it. */
export const reboot: FaultRow = {
  name: 'the node of the server is rebooted: its programs and pins are gone, and its pods start again',
  opens: 'to pods that start before the agent, until it has started',
  loses: 'everything, until the pods run again and the agent knows them',
  outcome: 'pods start before the agent',
};

export const gatedReboot: FaultRow = {
  name: 'the same with the gate',
  loses: reboot.loses ?? '',
  outcome:
    'no pod of the network of pods starts before the agent enforces its policies, as long as the CNI leaves its chain on the disk as it was',
};

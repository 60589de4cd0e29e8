/** The configuration files of what runs on a node. */
import { stringify } from 'yaml';
import type { KeyPair } from '../control-plane/authority.ts';
import { pauseImage } from '../images/test-images.ts';
import type { FamilyPlan } from '../network/address-plan.ts';

export const containerdSocket = '/run/containerd/containerd.sock';

export function containerdConfiguration(): string {
  return `version = 3
root = "/var/lib/containerd"
state = "/run/containerd"

[grpc]
  address = "${containerdSocket}"

[plugins.'io.containerd.cri.v1.images']
  snapshotter = "overlayfs"
  [plugins.'io.containerd.cri.v1.images'.pinned_images]
    sandbox = "${pauseImage}"

[plugins.'io.containerd.cri.v1.runtime']
  # Without CAP_SYS_RESOURCE nobody may lower the score.
  restrict_oom_score_adj = true
  [plugins.'io.containerd.cri.v1.runtime'.cni]
    bin_dirs = ["/opt/cni/bin"]
    conf_dir = "/etc/cni/net.d"
  [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
      SystemdCgroup = false
`;
}

export interface KubeletFiles {
  readonly authority: string;
  readonly server: KeyPair;
  readonly controlGroup: string;
}

export function kubeletConfiguration({ authority, server, controlGroup }: KubeletFiles): string {
  return stringify({
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    containerRuntimeEndpoint: `unix://${containerdSocket}`,
    authentication: {
      x509: { clientCAFile: authority },
      webhook: { enabled: true },
      anonymous: { enabled: false },
    },
    authorization: { mode: 'Webhook' },
    tlsCertFile: server.certificate,
    tlsPrivateKeyFile: server.key,
    cgroupDriver: 'cgroupfs',
    cgroupRoot: controlGroup,
    enforceNodeAllocatable: [],
    failCgroupV1: false,
    failSwapOn: false,
    localStorageCapacityIsolation: false,
    makeIPTablesUtilChains: false,
    maxPods: 250,
    // A full disk of the developer's machine is no reason to evict pods and to delete images.
    evictionHard: {
      'memory.available': '0%',
      'nodefs.available': '0%',
      'nodefs.inodesFree': '0%',
      'imagefs.available': '0%',
    },
    imageGCHighThresholdPercent: 100,
    podLogsDir: '/var/log/pods',
    // Tests wait for what it notices.
    syncFrequency: '10s',
  });
}

export function kubeProxyConfiguration(
  node: string,
  kubeconfig: string,
  plans: readonly FamilyPlan[],
): string {
  return stringify({
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode: 'nftables',
    clientConnection: { kubeconfig },
    hostnameOverride: node,
    clusterCIDR: plans.map((plan) => plan.podRange).join(','),
    // A namespace's conntrack settings can't be written from inside; zero leaves them as they are.
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
  });
}

/** The command line of kube-apiserver, for the light form and for the whole cluster. */
import type { KeyPair } from './authority.ts';

export interface ApiserverPlan {
  readonly binary: string;
  readonly etcd: string;
  readonly bindAddress: string;
  readonly port: number;
  /** Certificate of the authority that clients are known by. */
  readonly authority: string;
  readonly server: KeyPair;
  /** Signs the tokens of service accounts. */
  readonly serviceAccounts: KeyPair;
  readonly serviceRanges: readonly string[];
  /** Options of one form alone. */
  readonly more: readonly string[];
}

export function apiserverCommand(plan: ApiserverPlan): [string, ...string[]] {
  return [
    plan.binary,
    `--etcd-servers=${plan.etcd}`,
    `--bind-address=${plan.bindAddress}`,
    `--secure-port=${plan.port}`,
    `--client-ca-file=${plan.authority}`,
    `--tls-cert-file=${plan.server.certificate}`,
    `--tls-private-key-file=${plan.server.key}`,
    '--authorization-mode=Node,RBAC',
    '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
    `--service-account-key-file=${plan.serviceAccounts.certificate}`,
    `--service-account-signing-key-file=${plan.serviceAccounts.key}`,
    `--service-cluster-ip-range=${plan.serviceRanges.join(',')}`,
    '--allow-privileged=true',
    '--profiling=false',
    ...plan.more,
  ];
}

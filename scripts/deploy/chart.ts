/** What a Helm chart has besides templates and values. */
import { valuesTable } from './helm-values.ts';
import { version } from './names.ts';

export function chartYaml(): string {
  return `# Made by scripts/deploy.ts.
apiVersion: v2
name: bulkhead
description: Kubernetes network policy engine, beside any CNI
type: application
version: ${version}
appVersion: ${version}
kubeVersion: '>=1.25.0-0'
keywords: [networkpolicy, ebpf, nftables, security]
`;
}

export function chartReadme(): string {
  return `<!-- Made by scripts/deploy.ts; a test keeps it true. -->

# Bulkhead

\`\`\`sh
helm install bulkhead deploy/helm/bulkhead --namespace bulkhead-system --create-namespace
\`\`\`

How to install, upgrade and uninstall: docs/install.md of the project.

## Values

${valuesTable()}`;
}

export function chartNotes(): string {
  return `Bulkhead {{ .Chart.AppVersion }} starts on every node. When all of them enforce:

  kubectl -n {{ .Release.Namespace }} rollout status daemonset/bulkhead
  bulkhead status

helm uninstall takes the agents away, and not the rules in the nodes' kernels, which go on being enforced.
docs/install.md says how to take them out.
`;
}

/** Everything that scripts/deploy.ts makes, by its path from the root of the checkout. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import {
  clusterRoleBindingTemplate,
  clusterRoleTemplate,
  namespaceTemplate,
  serviceAccountTemplate,
} from './access.ts';
import { ruleGroups } from './alerts.ts';
import { chartNotes, chartReadme, chartYaml } from './chart.ts';
import { daemonSetTemplate } from './daemon-set.ts';
import { dashboard } from './dashboard.ts';
import { gatePatch, gatePatchTarget } from './gate-component.ts';
import { printHelmTemplate } from './helm-printer.ts';
import { valuesSchema, valuesYaml } from './helm-values.ts';
import { metricsPage } from './metrics-page.ts';
import { podMonitorTemplate, prometheusRuleTemplate } from './monitoring.ts';
import { defaultNamespace, root } from './names.ts';
import { plainOf } from './template.ts';
import type { Node, Plain, Template } from './template.ts';
import { uninstallObjects } from './uninstall.ts';

/** Written by hand: whoever runs agents without a DaemonSet needs it alone. */
const crdTemplate: Template = {
  name: 'node-policy-status',
  node: parse(readFileSync(join(root, 'deploy/crd.yaml'), 'utf8')) as Plain,
};

/** In the order in which they can be applied. */
const templates: readonly Template[] = [
  namespaceTemplate,
  crdTemplate,
  serviceAccountTemplate,
  clusterRoleTemplate,
  clusterRoleBindingTemplate,
  daemonSetTemplate,
];
const monitoringTemplates: readonly Template[] = [podMonitorTemplate, prometheusRuleTemplate];

const made = 'Made by scripts/deploy.ts; a test keeps it true. Change it there.';
const chart = 'deploy/helm/bulkhead';
const kustomize = 'deploy/kustomize';

export function deployOutputs(): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  files.set(`${chart}/Chart.yaml`, chartYaml());
  files.set(`${chart}/README.md`, chartReadme());
  files.set(`${chart}/values.yaml`, valuesYaml());
  files.set(`${chart}/values.schema.json`, valuesSchema());
  files.set(`${chart}/templates/NOTES.txt`, chartNotes());
  for (const template of [...templates, ...monitoringTemplates]) {
    const comment = `{{- /* ${made} */ -}}\n`;
    files.set(`${chart}/templates/${template.name}.yaml`, `${comment}${printHelmTemplate(template)}`);
  }
  files.set('deploy/bulkhead.yaml', manifest(templates.map(({ node }) => node)));
  files.set('deploy/uninstall.yaml', manifest(uninstallObjects));
  files.set('deploy/prometheus/rules.yaml', manifest([{ groups: ruleGroups }]));
  files.set('deploy/grafana/bulkhead.json', `${JSON.stringify(dashboard, null, 2)}\n`);
  files.set('docs/metrics.md', metricsPage());
  addKustomization(files, 'base', 'kustomize.config.k8s.io/v1beta1', 'Kustomization', templates);
  addKustomization(files, 'monitoring', 'kustomize.config.k8s.io/v1alpha1', 'Component', monitoringTemplates);
  files.set(`${kustomize}/gate/daemon-set.yaml`, manifest([gatePatch()]));
  files.set(
    `${kustomize}/gate/kustomization.yaml`,
    manifest([
      {
        apiVersion: 'kustomize.config.k8s.io/v1alpha1',
        kind: 'Component',
        patches: [{ target: gatePatchTarget, path: 'daemon-set.yaml' }],
      },
    ]),
  );
  return files;
}

/** With all defaults, and all that is optional but needs no more than Kubernetes itself. */
function manifest(nodes: readonly Node[]): string {
  return `# ${made}\n${nodes.map(yaml).join('---\n')}`;
}

function yaml(node: Node): string {
  return stringify(plainOf(node), { lineWidth: 0, aliasDuplicateObjects: false });
}

function addKustomization(
  files: Map<string, string>,
  folder: string,
  ...[apiVersion, kind, members]: readonly [string, string, readonly Template[]]
): void {
  for (const { name, node } of members) files.set(`${kustomize}/${folder}/${name}.yaml`, manifest([node]));
  const resources = members.map(({ name }) => `${name}.yaml`);
  files.set(
    `${kustomize}/${folder}/kustomization.yaml`,
    manifest([{ apiVersion, kind, namespace: defaultNamespace, resources }]),
  );
}

/** For the Prometheus Operator; off unless asked for, as its kinds are not in every cluster. */
import { ruleGroups } from './alerts.ts';
import { name, namespace, selector, version } from './names.ts';
import { Place } from './template.ts';
import type { Node, Template } from './template.ts';
import { valueAt } from './values.ts';
import type { ValuePath } from './values.ts';

const metadataWith = (more: ValuePath): Node => ({
  name,
  namespace,
  labels: new Place(
    `merge (dict "app.kubernetes.io/name" "${name}" "app.kubernetes.io/version" .Chart.AppVersion) .Values.${more}`,
    { 'app.kubernetes.io/name': name, 'app.kubernetes.io/version': version },
  ),
});

export const podMonitorTemplate: Template = {
  name: 'pod-monitor',
  condition: valueAt('monitoring.podMonitor.enabled'),
  node: {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PodMonitor',
    metadata: metadataWith('monitoring.podMonitor.labels'),
    spec: {
      selector: { matchLabels: selector },
      podMetricsEndpoints: [
        {
          port: 'metrics',
          interval: valueAt('monitoring.podMonitor.interval'),
          // A node is known by its name, not by the name of the pod, which changes.
          relabelings: [{ sourceLabels: ['__meta_kubernetes_pod_node_name'], targetLabel: 'instance' }],
        },
      ],
    },
  },
};

export const prometheusRuleTemplate: Template = {
  name: 'prometheus-rule',
  condition: valueAt('monitoring.rules.enabled'),
  node: {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PrometheusRule',
    metadata: metadataWith('monitoring.rules.labels'),
    spec: { groups: ruleGroups },
  },
};

/** A real API server where the test says what nodes enforce, in the place of their agents. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'yaml';
import { statusApi, type NodePolicyStatus } from '../../src/agent/node-status.ts';
import { ApiClient } from '../cluster/api/client.ts';
import { startControlPlane, type ControlPlane } from '../cluster/control-plane/control-plane.ts';

/** What an installation creates. */
const definition: unknown = parse(readFileSync(join(import.meta.dirname, '../../deploy/crd.yaml'), 'utf8'));
const { group, version, plural, kind } = statusApi;
const statuses = `/apis/${group}/${version}/${plural}`;

export class ReportedCluster {
  readonly controlPlane: ControlPlane;
  readonly api: ApiClient;

  private constructor(controlPlane: ControlPlane) {
    this.controlPlane = controlPlane;
    this.api = new ApiClient(controlPlane.kubeconfig);
  }

  static async start(): Promise<ReportedCluster> {
    return new ReportedCluster(await startControlPlane());
  }

  async stop(): Promise<void> {
    this.api.close();
    await this.controlPlane.stop();
  }

  async install(): Promise<void> {
    await this.api.must('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition);
    while ((await this.api.request('GET', statuses)).status !== 200) await sleep(10);
  }

  async createNode(name: string): Promise<void> {
    await this.api.must('POST', '/api/v1/nodes', { metadata: { name } });
  }

  /** Creates it, or makes it this; its resource version. */
  async setPolicy(name: string, spec: object, namespace = 'default'): Promise<string> {
    const path = `/apis/networking.k8s.io/v1/namespaces/${namespace}/networkpolicies/${name}`;
    const object = { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name }, spec };
    return versionOf(await this.api.must('PATCH', `${path}?fieldManager=test`, object, applyPatch));
  }

  async deletePolicy(name: string, namespace = 'default'): Promise<void> {
    await this.api.must(
      'DELETE',
      `/apis/networking.k8s.io/v1/namespaces/${namespace}/networkpolicies/${name}`,
    );
  }

  /** What a node's agent would write; well, but for what is said. */
  async report(node: string, status: Partial<NodePolicyStatus>): Promise<void> {
    const object = {
      apiVersion: `${group}/${version}`,
      kind,
      metadata: { name: node },
      status: { ...wellStatus, heartbeat: new Date().toISOString(), ...status },
    };
    await this.api.must('PATCH', `${statuses}/${node}?fieldManager=test&force=true`, object, applyPatch);
  }
}

const applyPatch = 'application/apply-patch+yaml';

const wellStatus = {
  agentVersion: '0.1.0',
  engine: 'ebpf',
  realisedResourceVersion: '',
  policies: 1,
  localPods: 2,
  refusedPolicies: 0,
  refused: [],
  conditions: [],
} as const;

function versionOf(object: unknown): string {
  return (object as { metadata: { resourceVersion: string } }).metadata.resourceVersion;
}

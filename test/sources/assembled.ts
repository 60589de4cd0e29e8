/** Assembling a cluster from text in a test. */
import type { Cluster } from '../../src/objects/model.ts';
import { assembleCluster, type AssembleOptions } from '../../src/sources/assemble.ts';
import { parseManifests } from '../../src/sources/manifests.ts';

export function assemble(text: string, options: Partial<AssembleOptions> = {}, previous?: Cluster): Cluster {
  const { objects } = parseManifests(text, 'test.yaml');
  return assembleCluster(objects, { families: [4], nodes: 2, ...options }, previous);
}

/** Documents in one stream. */
export function stream(...documents: readonly string[]): string {
  return documents.map((document) => `${document}\n`).join('---\n');
}

export interface WorkloadOptions {
  readonly apiVersion?: string;
  readonly kind?: string;
  /** Of the object and of its pods' label `app`. */
  readonly name?: string;
  /** Fields of the spec beside the template, in flow style: `replicas: 2, `. */
  readonly spec?: string;
  /** Fields of the metadata beside the name, in flow style: `, namespace: shop`. */
  readonly metadata?: string;
  /** The pods' spec, in flow style. */
  readonly pod?: string;
}

export function workload(options: WorkloadOptions = {}): string {
  const {
    apiVersion = 'apps/v1',
    kind = 'Deployment',
    name = 'cart',
    spec = '',
    metadata = '',
    pod: podSpec = '{}',
  } = options;
  return `apiVersion: ${apiVersion}
kind: ${kind}
metadata: { name: ${name}${metadata} }
spec: { ${spec}template: { metadata: { labels: { app: ${name} } }, spec: ${podSpec} } }`;
}

/** A pod with the given fields of its metadata beside the name, its spec and its status, in flow style. */
export function pod(name: string, { metadata = '', spec = '{}', status = '{}' } = {}): string {
  return `apiVersion: v1
kind: Pod
metadata: { name: ${name}${metadata} }
spec: ${spec}
status: ${status}`;
}

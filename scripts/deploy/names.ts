/** What several objects must say alike. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Place } from './template.ts';

export const root = join(import.meta.dirname, '../..');
export const name = 'bulkhead';
/** In no registry; whoever has pushed the image to one says so. */
export const imageRepository = 'localhost/bulkhead';
export const defaultNamespace = 'bulkhead-system';

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { readonly version: string };
/** Of the program, the chart and the image. */
export const version = manifest.version;
export const imageReference = `${imageRepository}:${version}`;

export const namespace = new Place('.Release.Namespace', defaultNamespace);
export const selector = { 'app.kubernetes.io/name': name, 'app.kubernetes.io/component': 'agent' };
export const labels = {
  'app.kubernetes.io/name': name,
  'app.kubernetes.io/version': new Place('.Chart.AppVersion', version),
};
export const clusterMetadata = { name, labels };
export const metadata = { name, namespace, labels };

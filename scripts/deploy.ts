/**
 * Writes what is in deploy/ besides crd.yaml: the Helm chart, the kustomize base, the plain manifests, the dashboard and
 * the alerts, all from scripts/deploy/; and docs/metrics.md. Removes files of its folders that it does not make any more.
 */
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { root } from './deploy/names.ts';
import { deployOutputs } from './deploy/outputs.ts';

const outputs = deployOutputs();
for (const folder of ['helm', 'kustomize', 'prometheus', 'grafana']) {
  const path = join(root, 'deploy', folder);
  for (const entry of existsSync(path) ? readdirSync(path, { recursive: true, withFileTypes: true }) : []) {
    const file = join(entry.parentPath, entry.name);
    if (entry.isFile() && !outputs.has(relative(root, file))) rmSync(file);
  }
}
for (const [path, content] of outputs) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
}
console.log(`${outputs.size} files written`);

/** What `gate.enabled` is for Helm, as a kustomize component: the same additions to the DaemonSet, as a patch. */
import { daemonSetTemplate, gateAdditions } from './daemon-set.ts';
import { name } from './names.ts';
import { plainOf } from './template.ts';
import type { Plain } from './template.ts';

interface DaemonSet {
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly containers: readonly [{ readonly volumeMounts: readonly { name: string }[] }];
      };
    };
  };
}

export function gatePatch(): Plain {
  const daemonSet = plainOf(daemonSetTemplate.node) as unknown as DaemonSet;
  const [container] = daemonSet.spec.template.spec.containers;
  const configuration = container.volumeMounts.findIndex((mount) => mount.name === 'cni-conf');
  const pod = '/spec/template/spec';
  const agent = `${pod}/containers/0`;
  const operations = [
    { op: 'add', path: `${agent}/args/-`, value: gateAdditions.argument },
    { op: 'replace', path: `${agent}/volumeMounts/${configuration}/readOnly`, value: false },
    { op: 'add', path: `${agent}/volumeMounts/-`, value: gateAdditions.mount },
    { op: 'add', path: `${pod}/volumes/-`, value: gateAdditions.volume },
  ];
  return plainOf(operations) ?? [];
}

export const gatePatchTarget = { kind: 'DaemonSet', name };

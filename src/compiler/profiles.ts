/**
 * Pods that no policy can tell apart by anything but their address share a profile: the same namespace, the same
 * values of the labels that some selector mentions, the same numbers behind the port names that some rule mentions.
 * Everything else is computed once per profile.
 */
import type { Cluster, LabelSelector, Labels, Pod } from '../objects/model.ts';
import { isPolicyPod } from '../policy/holder.ts';
import type { Policy, Rule } from '../policy/ir.ts';
import { mentionedKeys } from './pod-index.ts';
import { portName } from './predicates.ts';
import type { NamedPorts, PortName } from './predicates.ts';

export interface Profile {
  readonly namespace: string;
  /** Undefined where nothing declares the namespace: no namespace selector matches it. */
  readonly namespaceLabels: Labels | undefined;
  /** Of one of the pods; all agree on what selectors mention. */
  readonly labels: Labels;
  readonly ports: NamedPorts;
}

export interface ProfiledPod {
  readonly pod: Pod;
  readonly profile: Profile;
}

/** All pods that have an address of their own, sorted by key; pods of one profile share the object. */
export function profilePods(cluster: Cluster, policies: readonly Policy[]): ProfiledPod[] {
  const mentioned = new Mentioned();
  for (const policy of policies) mentioned.add(policy);
  const profiles = new Map<string, Profile>();
  const profiled: ProfiledPod[] = [];
  for (const podKey of [...cluster.pods.keys()].sort()) {
    const pod = cluster.pods.get(podKey);
    if (!pod || pod.addresses.length === 0 || !isPolicyPod(pod)) continue;
    const key = profileKey(pod, mentioned);
    let profile = profiles.get(key);
    if (!profile) {
      const { namespace, labels } = pod;
      const namespaceLabels = cluster.namespaces.get(namespace)?.labels;
      profile = { namespace, namespaceLabels, labels, ports: namedPorts(pod, mentioned) };
      profiles.set(key, profile);
    }
    profiled.push({ pod, profile });
  }
  return profiled;
}

/** Equal for pods of one profile. */
export function profileKey({ namespace, labels, ports }: Pod, mentioned: Mentioned): string {
  const keys = Object.keys(labels).filter((key) => mentioned.labels.has(key));
  const parts: unknown[] = [namespace];
  for (const key of keys.sort()) parts.push(key, labels[key]);
  for (const { name, protocol, containerPort } of ports) {
    if (name !== undefined && mentioned.ports.has(portName(protocol, name))) {
      parts.push(containerPort, protocol, name);
    }
  }
  return JSON.stringify(parts);
}

export function namedPorts(pod: Pick<Pod, 'ports'>, mentioned: Mentioned): NamedPorts {
  const numbers = new Map<PortName, Set<number>>();
  for (const { name, protocol, containerPort } of pod.ports) {
    if (name === undefined) continue;
    const key = portName(protocol, name);
    if (mentioned.ports.has(key)) numbers.set(key, (numbers.get(key) ?? new Set()).add(containerPort));
  }
  const sorted = [...numbers].sort(([a], [b]) => (a < b ? -1 : 1));
  return new Map(sorted.map(([name, set]) => [name, [...set].sort((a, b) => a - b)]));
}

/** Pod label keys in any selector, and port names in any rule. */
export class Mentioned {
  readonly labels = new Set<string>();
  readonly ports = new Set<PortName>();

  add({ subject, ingress, egress }: Policy): void {
    this.#addSelector(subject.pods);
    for (const section of [ingress, egress]) for (const rule of section?.rules ?? []) this.#addRule(rule);
  }

  #addSelector(selector: LabelSelector): void {
    for (const key of mentionedKeys(selector)) this.labels.add(key);
  }

  #addRule({ peers, ports }: Rule): void {
    if (peers !== 'any') {
      for (const peer of peers) if (peer.kind === 'pods') this.#addSelector(peer.pods);
    }
    if (ports !== 'any') {
      for (const port of ports) if (port.kind === 'named') this.ports.add(portName(port.protocol, port.name));
    }
  }
}

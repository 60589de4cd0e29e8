/**
 * The pods of a session. A case finds those that an earlier one has left, and only their labels are made to fit; pods that
 * it has no use for stay, as anybody's pods would.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError } from '../../kubernetes/api-error.ts';
import type { KubernetesClient, RawObject } from '../../kubernetes/client.ts';
import { pods } from '../../kubernetes/resource.ts';
import { asFields, asList, asText } from '../../kubernetes/untyped.ts';
import { parseAddress, type Address } from '../../objects/ip.ts';
import { labelPatch } from './label-patch.ts';
import { podName, runLabel, type Names } from './names.ts';
import { podObject, type WantedPod } from './pod-spec.ts';
import { slow } from './slow.ts';
import { untilGone } from './until-gone.ts';

export interface LivePod {
  readonly namespace: string;
  readonly name: string;
  readonly addresses: readonly Address[];
  labels: Readonly<Record<string, string>>;
}

export interface PodPoolOptions {
  readonly client: KubernetesClient;
  readonly names: Names;
  readonly run: string;
  readonly image: string;
}

/** For images to be pulled, too. */
const patienceMs = 180_000;
const pauseMs = 150;

export class PodPool {
  readonly #options: PodPoolOptions;
  /** By `namespace/name` in the cluster. */
  readonly #live = new Map<string, LivePod>();

  constructor(options: PodPoolOptions) {
    this.#options = options;
  }

  /** Until all of them run and have these labels. By key. */
  async ensure(wanted: readonly WantedPod[]): Promise<ReadonlyMap<string, LivePod>> {
    const missing = wanted.filter((pod) => !this.#live.has(this.#keyOf(pod)));
    await Promise.all(missing.map(async (pod) => this.#create(pod)));
    await this.#untilRunning(missing);
    const all = await Promise.all(
      wanted.map(async (pod): Promise<[string, LivePod]> => {
        const live = this.#live.get(this.#keyOf(pod));
        if (!live) throw new Error(`${pod.key} is not there`);
        await this.#label(live, this.#labelsOf(pod));
        return [pod.key, live];
      }),
    );
    return new Map(all);
  }

  /** Until it is gone from the API: its name may be used again at once. */
  async delete(live: LivePod): Promise<void> {
    const { client } = this.#options;
    const { namespace, name } = live;
    this.#live.delete(`${namespace}/${name}`);
    await client.delete(pods, { namespace, name }, { gracePeriodSeconds: 0 });
    await untilGone(client, pods, { namespace, name });
  }

  /** Its namespace was deleted. */
  forget(namespace: string): void {
    for (const [key, live] of this.#live) if (live.namespace === namespace) this.#live.delete(key);
  }

  async #create(pod: WantedPod): Promise<void> {
    const { client, image } = this.#options;
    const [namespace, name] = this.#placeOf(pod);
    const object = podObject({ ...pod, labels: this.#labelsOf(pod) }, { name, namespace, image });
    const deadline = performance.now() + patienceMs;
    for (;;) {
      try {
        await client.create(pods, { namespace }, object);
        return;
      } catch (error) {
        // A namespace gets its service account a moment after it is there, and no pod before.
        const isEarly = error instanceof ApiError && error.message.includes('serviceaccount');
        if (!isEarly || performance.now() > deadline) throw error;
        await sleep(pauseMs);
      }
    }
  }

  async #untilRunning(wanted: readonly WantedPod[]): Promise<void> {
    const deadline = performance.now() + patienceMs;
    let waiting = [...wanted];
    while (waiting.length > 0) {
      const namespaces = new Set(waiting.map((pod) => this.#placeOf(pod)[0]));
      const listed = new Map<string, RawObject>();
      for (const namespace of namespaces) {
        const { items } = await this.#options.client.list(pods, { namespace });
        for (const item of items)
          listed.set(`${namespace}/${asText(asFields(item['metadata'])?.['name'])}`, item);
      }
      waiting = waiting.filter((pod) => !this.#runs(pod, listed.get(this.#keyOf(pod))));
      const [first] = waiting;
      if (first && performance.now() > deadline) {
        const status = JSON.stringify(listed.get(this.#keyOf(first))?.['status'] ?? 'no status');
        throw slow(`pod ${this.#keyOf(first)} does not run: ${status.slice(0, 400)}`, patienceMs);
      }
      if (first) await sleep(pauseMs);
    }
  }

  /** Takes it in, if so. */
  #runs(pod: WantedPod, object: RawObject | undefined): boolean {
    const status = asFields(object?.['status']);
    const containers = asList(status?.['containerStatuses']).map(asFields);
    const isReady = containers.length > 0 && containers.every((container) => container?.['ready'] === true);
    if (status?.['phase'] !== 'Running' || !isReady) return false;
    const addresses = asList(status['podIPs']).flatMap(
      (entry) => parseAddress(asText(asFields(entry)?.['ip']) ?? '') ?? [],
    );
    const [namespace, name] = this.#placeOf(pod);
    this.#live.set(this.#keyOf(pod), { namespace, name, addresses, labels: this.#labelsOf(pod) });
    return true;
  }

  async #label(live: LivePod, labels: Readonly<Record<string, string>>): Promise<void> {
    const patch = labelPatch(live.labels, labels);
    if (!patch) return;
    const { namespace, name } = live;
    await this.#options.client.patch(pods, { namespace, name }, patch);
    live.labels = labels;
  }

  #labelsOf({ labels }: WantedPod): Readonly<Record<string, string>> {
    return { ...this.#options.names.labels(labels), [runLabel]: this.#options.run };
  }

  #placeOf({ key, node, ports }: WantedPod): readonly [namespace: string, name: string] {
    const [namespace = '', name = ''] = key.split('/');
    return [this.#options.names.namespace(namespace), podName(name, node, ports)];
  }

  #keyOf(pod: WantedPod): string {
    return this.#placeOf(pod).join('/');
  }
}

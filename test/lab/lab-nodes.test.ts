/** Nodes that come and go in a running lab: at no moment is there a pod that nobody enforces for. */
import { existsSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { TableModel } from '../../src/compiler/table-model.ts';
import type { Delta } from '../../src/compiler/tables.ts';
import { reasons } from '../../src/datapath/datapath.ts';
import type { Counters, Datapath } from '../../src/datapath/datapath.ts';
import { BulkheadError, failure } from '../../src/errors.ts';
import { netnsIdentity } from '../../src/kernel/netns.ts';
import { Lab } from '../../src/lab/lab.ts';
import { destroyLab } from '../../src/lab/network/destroy.ts';
import { netnsPath, nodeNetns, podNetns } from '../../src/lab/network/names.ts';
import { parseManifests } from '../../src/sources/manifests.ts';

const name = `t${process.pid}-nodes`;

/** The namespace that is enforced in, by node. */
const attached = new Map<string, string>();
/** Pods that lived on a node when its enforcement ended. */
const abandoned: string[] = [];
let refuses = false;

const none = { packets: 0n, bytes: 0n };
const noCounters: Counters = {
  rules: new Map(),
  reasons: Object.fromEntries(
    reasons.map((reason) => [reason, { allowed: none, denied: none }]),
  ) as Counters['reasons'],
  lostEvents: 0n,
};

class FakeDatapath implements Datapath {
  readonly #node: string;
  readonly #namespace: string;
  readonly #model = new TableModel();

  constructor(node: string) {
    this.#node = node;
    this.#namespace = netnsIdentity(netnsPath(nodeNetns(name, node)));
  }

  apply(delta: Delta): void {
    if (refuses) throw new BulkheadError(failure('DATAPATH_FULL', 'no room'));
    this.#model.apply(delta);
    attached.set(this.#node, this.#namespace);
  }

  sweep(): void {
    this.#model.sweep();
  }

  counters(): Counters {
    return noCounters;
  }

  audit(): [] {
    return [];
  }

  intact(): boolean {
    return true;
  }

  drainEvents(): void {}

  close(): void {}

  detach(): void {
    if (lives(podOf(this.#node))) abandoned.push(podOf(this.#node));
    attached.delete(this.#node);
  }
}

/** Nodes whose namespace there is now is enforced in. */
function enforced(): string[] {
  return [...attached].flatMap(([node, namespace]) => {
    const path = netnsPath(nodeNetns(name, node));
    return existsSync(path) && netnsIdentity(path) === namespace ? [node] : [];
  });
}

function podOf(node: string): string {
  return `on-${node}`;
}

function lives(pod: string): boolean {
  return existsSync(netnsPath(podNetns(name, { namespace: 'x', name: pod, node: '', hostNetwork: false })));
}

/** Nodes by name and the last byte of their address, each with a pod. */
function objectsOf(nodes: Readonly<Record<string, number>>) {
  const texts = Object.entries(nodes).map(
    ([node, byte]) => `apiVersion: v1
kind: Node
metadata: { name: ${node} }
spec: { podCIDR: 10.1.${byte}.0/24 }
status: { addresses: [{ type: InternalIP, address: 172.18.0.${byte} }] }
---
apiVersion: v1
kind: Pod
metadata: { name: ${podOf(node)}, namespace: x }
spec: { nodeName: ${node} }`,
  );
  return parseManifests(texts.join('\n---\n'), 'nodes.yaml').objects;
}

describe.skipIf(process.getuid?.() !== 0)('[root] nodes of a running lab', () => {
  let lab: Lab | undefined;

  const up = async (): Promise<Lab> => {
    const fresh = new Lab({
      name,
      families: [4],
      nodes: 1,
      openDatapath: (_, node) => new FakeDatapath(node),
    });
    lab = fresh;
    await fresh.up(objectsOf({ n1: 1, n2: 2 }), () => undefined);
    return fresh;
  };

  afterEach(async () => {
    lab?.close();
    await destroyLab(name);
    attached.clear();
    abandoned.length = 0;
    refuses = false;
  });

  test('the pods of a node that goes are gone before its enforcement ends', async () => {
    const running = await up();
    await running.delete(['Node//n2', 'Pod/x/on-n2'], 0);
    expect([lives('on-n1'), lives('on-n2'), ...enforced()]).toEqual([true, false, 'n1']);
    expect(abandoned).toEqual([]);
  });

  test('a node whose pods can not be enforced after a refused change has none', async () => {
    const running = await up();
    refuses = true;
    // n2 has another address, so it is another node; n3 is new.
    const refused = running.apply(objectsOf({ n2: 12, n3: 3 }), 0);
    await expect(refused).rejects.toThrow('DATAPATH_FULL');
    for (const node of ['n1', 'n2', 'n3'])
      expect(lives(podOf(node)) && !enforced().includes(node)).toBe(false);
    refuses = false;
    // The same as before the refused change, and then what it was about.
    await running.apply(objectsOf({ n2: 2 }), 0);
    expect([lives('on-n1'), lives('on-n2'), lives('on-n3')]).toEqual([true, true, false]);
    expect(enforced().sort()).toEqual(['n1', 'n2']);
    await running.apply(objectsOf({ n3: 13 }), 0);
    expect(enforced().sort()).toEqual(['n1', 'n2', 'n3']);
    expect(abandoned).toEqual([]);
  });
});

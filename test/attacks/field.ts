/**
 * Where attacks take place: a lab of two nodes in this process, with attackers, a victim and those whom the victim
 * lets in. Whatever an attack does, the port that attackers may reach must go on working: each volley ends with it.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Datapath } from '../../src/datapath/datapath.ts';
import { detachEbpfDatapath } from '../../src/datapath/ebpf/ebpf-datapath.ts';
import { detachNftablesDatapath } from '../../src/datapath/nftables/nftables-datapath.ts';
import { inNetns } from '../../src/kernel/netns.ts';
import { beginConnect, openSocket, send } from '../../src/kernel/socket.ts';
import { Lab } from '../../src/lab/lab.ts';
import { destroyLab } from '../../src/lab/network/destroy.ts';
import { interfaceName, netnsPath, nodeNetns, podNetns, worldNetns } from '../../src/lab/network/names.ts';
import { labPaths, makeLabDirectory } from '../../src/lab/paths.ts';
import type { Address, IpFamily } from '../../src/objects/ip.ts';
import type { Pod } from '../../src/objects/model.ts';
import { parseManifests } from '../../src/sources/manifests.ts';
import { address } from '../datapath/guard-world.ts';
import type { Engine } from './engines.ts';
import { packet, udpDatagram } from './forge.ts';
import type { Ends, Payload, Shape } from './forge.ts';
import { Listener } from './listener.ts';
import { Tap } from './tap.ts';

/** UDP port of the victim that everybody in the cluster may reach. */
export const controlPort = 7777;
/** UDP and TCP port of the victim that only its friend may reach. */
export const privatePort = 8080;

function pod(key: string, node: string, labels = ''): string {
  const [namespace, name] = key.split('/');
  return `
---
apiVersion: v1
kind: Pod
metadata: { name: ${name}, namespace: ${namespace}, labels: { app: ${name}${labels} } }
spec:
  nodeName: ${node}
  containers: [{ name: main, image: main, ports: [{ containerPort: ${privatePort} }, { containerPort: ${privatePort}, protocol: UDP }] }]
`;
}

/** On a port of its own, of the cluster and of every node. */
function service(name: string, index: number): string {
  return `
---
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: target }
spec:
  type: NodePort
  selector: { app: ${name} }
  ipFamilyPolicy: RequireDualStack
  ports: [{ port: 80, targetPort: ${privatePort}, protocol: UDP, nodePort: ${30080 + index} }]
`;
}

/** `near` and `accomplice` share the victim's node, `far` and `distant` are on the other one. */
export const baseManifests = `
apiVersion: v1
kind: Namespace
metadata: { name: target, labels: { team: blue } }
---
apiVersion: v1
kind: Namespace
metadata: { name: attack, labels: { team: red } }
${pod('target/victim', 'node-1')}
${pod('target/friend', 'node-1')}
${pod('target/distant', 'node-2')}
${pod('attack/near', 'node-1')}
${pod('attack/accomplice', 'node-1')}
${pod('attack/far', 'node-2')}
${['victim', 'friend'].map(service).join('')}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: victim, namespace: target }
spec:
  podSelector: { matchLabels: { app: victim } }
  policyTypes: [Ingress]
  ingress:
    - from: [{ namespaceSelector: {} }]
      ports: [{ port: ${controlPort}, protocol: UDP }]
    - from: [{ podSelector: { matchLabels: { app: friend } } }, { podSelector: { matchLabels: { app: distant } } }]
      ports: [{ port: ${privatePort} }, { port: ${privatePort}, protocol: UDP }]
`;

/** A packet from where it is really sent to where it should not arrive. */
export interface Shot {
  /** Pods that send and that watch; `world` is the outside. */
  readonly from: string;
  readonly to: string;
  /** Each has the text of `mark` with its name somewhere in it. */
  readonly packets: Readonly<Record<string, Uint8Array | readonly Uint8Array[]>>;
}

/** What a packet must carry to be recognised when it arrives, however it was wrapped or cut. */
export function mark(name: string): string {
  return `<${name}>`;
}

/** Somebody outside the cluster. */
export const outside = { 4: address('198.51.100.7'), 6: address('2001:db8::7') } as const;

let fields = 0;

export class Field {
  readonly datapaths = new Map<string, Datapath>();
  readonly lab: Lab;
  readonly name: string;
  #controls = 0;

  private constructor(engine: Engine, families: readonly IpFamily[]) {
    fields += 1;
    this.name = `atk-${process.pid}-${fields}`;
    makeLabDirectory(this.name);
    this.lab = new Lab({
      name: this.name,
      families,
      nodes: 2,
      openDatapath: (lab, node) => {
        const datapath = engine.open(lab, node);
        this.datapaths.set(node, datapath);
        return datapath;
      },
    });
  }

  static async up(engine: Engine, manifests = baseManifests): Promise<Field> {
    const field = new Field(engine, [4, 6]);
    try {
      await field.lab.up(
        parseManifests(manifests, 'field', { unknownFields: 'error' }).objects,
        () => undefined,
      );
      return field;
    } catch (error) {
      await field.down();
      throw error;
    }
  }

  /** Takes away what agents have left in the kernel, whatever their engine. */
  disarm(): void {
    for (const { name } of this.lab.cluster.nodes.values()) {
      const netns = this.netns(name);
      detachNftablesDatapath({ netns });
      detachEbpfDatapath({ netns, pinDir: `${labPaths(this.name).pins}/${name}` });
    }
  }

  async down(): Promise<void> {
    this.lab.close();
    await destroyLab(this.name);
  }

  /** Adds objects, or replaces those of the same name. */
  async apply(manifests: string): Promise<void> {
    await this.lab.apply(
      parseManifests(manifests, 'attack', { unknownFields: 'error' }).objects,
      performance.now(),
    );
  }

  /** Brings back what the field began with. */
  async restore(): Promise<void> {
    await this.apply(baseManifests);
  }

  /** Keys are `Kind/namespace/name`. */
  async remove(...keys: readonly string[]): Promise<void> {
    await this.lab.delete(keys, performance.now());
  }

  /** The objects are there while `action` runs. They must be new ones. */
  async with<T>(manifests: string, action: () => T | Promise<T>): Promise<T> {
    const { objects } = parseManifests(manifests, 'attack', { unknownFields: 'error' });
    await this.lab.apply(objects, performance.now());
    try {
      return await action();
    } finally {
      await this.lab.delete([...objects.keys()], performance.now());
    }
  }

  /** Path of the namespace of `namespace/pod`, of a node, or of the `world`. */
  netns(who: string): string {
    if (who === 'world') return netnsPath(worldNetns(this.name));
    const found = this.lab.cluster.pods.get(who);
    return netnsPath(found ? podNetns(this.name, found) : nodeNetns(this.name, who));
  }

  /** What the node calls the pod's interface. */
  interfaceOf(who: string): string {
    return interfaceName(podNetns(this.name, this.#pod(who)));
  }

  /** On the link of a pod or node; of the world, on that to the victim's node. */
  tap(who: string): Tap {
    if (who !== 'world') return new Tap(this.netns(who));
    return new Tap(this.netns(who), interfaceName(nodeNetns(this.name, 'node-1')));
  }

  #pod(key: string): Pod {
    const found = this.lab.cluster.pods.get(key);
    if (!found) throw new Error(`no pod ${key}`);
    return found;
  }

  /** Of a pod, a node, or somebody in the `world`; anything else is taken for an address. */
  address(who: string, family: IpFamily): Address {
    if (who === 'world') return outside[family];
    const { pods, nodes } = this.lab.cluster;
    const holder = pods.get(who) ?? nodes.get(who);
    if (!holder) return address(who);
    const found = holder.addresses.find((one) => one.family === family);
    if (!found) throw new Error(`${who} has no IPv${family} address`);
    return found;
  }

  ends(family: IpFamily, source: string, destination: string): Ends {
    return { source: this.address(source, family), destination: this.address(destination, family) };
  }

  /** Source and destination as for `address`. */
  packet(
    family: IpFamily,
    ends: readonly [source: string, destination: string],
    content: Payload,
    shape?: Shape,
  ): Uint8Array {
    return packet(this.ends(family, ...ends), content, shape);
  }

  /** The names of the packets that arrive. */
  async volley(shot: Shot): Promise<string[]> {
    const seen = await this.arrivals(shot);
    return Object.keys(shot.packets).filter((name) => seen.some((bytes) => bytes.includes(mark(name))));
  }

  /**
   * Sends the packets, and after them datagrams that may pass until one has arrived; gives all that arrived at `to`.
   * Packets keep their order on the way, so what is not there by then was stopped.
   */
  async arrivals({ from, to, packets }: Shot): Promise<Buffer[]> {
    const sender = this.tap(from);
    // The outside may send nothing to pods: a pod of the other node does that for it.
    const permitted = from === 'world' ? this.tap('attack/far') : sender;
    const watcher = this.tap(to);
    const ends = [from === 'world' ? 'attack/far' : from, to] as const;
    try {
      for (const bytes of Object.values(packets).flat()) sender.send(bytes);
      const first = await this.#control(permitted, watcher, ends);
      const second = await this.#control(permitted, watcher, ends);
      return [...first, ...second];
    } finally {
      for (const tap of new Set([sender, permitted, watcher])) tap.close();
    }
  }

  /**
   * As `arrivals`, from many senders at once, and where nobody may reach the target but its node, which always does: it
   * has the last word here.
   */
  async seenAt(
    to: string,
    letters: readonly (readonly [from: string, packet: Uint8Array])[],
  ): Promise<Buffer[]> {
    const { node } = this.#pod(to);
    const watcher = this.tap(to);
    const name = mark(`control ${(this.#controls += 1)}`);
    const fd = inNetns(this.netns(node), () => openSocket('UDP', 4));
    try {
      for (const [from, bytes] of letters) {
        const sender = this.tap(from);
        sender.send(bytes);
        sender.close();
      }
      beginConnect(fd, { address: this.address(to, 4), port: controlPort });
      const seen: Buffer[] = [];
      while (!seen.some((bytes) => bytes.includes(name))) {
        send(fd, Buffer.from(name));
        await sleep(2);
        seen.push(...watcher.arrived());
      }
      return seen;
    } finally {
      closeSync(fd);
      watcher.close();
    }
  }

  /**
   * Sends the packets to a node, and after them, from the other node, datagrams that may pass, until one has arrived at
   * the port; gives the names of those that the node's socket there got.
   */
  async volleyAtNode(from: string, port: number, packets: Shot['packets']): Promise<string[]> {
    const { node } = this.#pod(from);
    const other = node === 'node-1' ? 'node-2' : 'node-1';
    const name = mark(`control ${(this.#controls += 1)}`);
    const [sender, permitted] = [this.tap(from), this.tap(other)];
    const listener = new Listener(this.netns(node), port);
    try {
      for (const bytes of Object.values(packets).flat()) sender.send(bytes);
      const heard: string[] = [];
      while (!heard.some((text) => text.includes(name))) {
        permitted.send(this.packet(4, [other, node], udpDatagram({ port, data: name })));
        await sleep(2);
        heard.push(...listener.heard());
      }
      return Object.keys(packets).filter((one) => heard.some((text) => text.includes(mark(one))));
    } finally {
      sender.close();
      permitted.close();
      listener.close();
    }
  }

  /** Sets kernel settings, paths below /proc/sys/net, as far as the kernel has them, while `action` runs. */
  async setting<T>(
    who: string,
    settings: Readonly<Record<string, string>>,
    action: () => Promise<T>,
  ): Promise<T> {
    const netns = this.netns(who);
    const before = inNetns(netns, () =>
      Object.entries(settings).flatMap(([key, value]) => {
        const path = `/proc/sys/net/${key}`;
        if (!existsSync(path)) return [];
        const old = readFileSync(path, 'utf8');
        writeFileSync(path, value);
        return [[path, old] as const];
      }),
    );
    try {
      return await action();
    } finally {
      inNetns(netns, () => {
        for (const [path, old] of before) writeFileSync(path, old);
      });
    }
  }

  /** Output of a command in the namespace of a pod or node. */
  run(who: string, command: string, ...args: readonly string[]): string {
    return inNetns(this.netns(who), () => execFileSync(command, args, { encoding: 'utf8' }));
  }

  /** What came in until a permitted datagram did. */
  async #control(sender: Tap, watcher: Tap, [from, to]: readonly [string, string]): Promise<Buffer[]> {
    const name = mark(`control ${(this.#controls += 1)}`);
    const datagram = udpDatagram({ port: controlPort, data: name });
    const permitted = this.packet(4, [from, to], datagram);
    const seen: Buffer[] = [];
    while (!seen.some((bytes) => bytes.includes(name))) {
      sender.send(permitted);
      await sleep(2);
      seen.push(...watcher.arrived());
    }
    return seen;
  }
}

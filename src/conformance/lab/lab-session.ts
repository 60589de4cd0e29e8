/** A lab as an engine: changes are applied to it live, and every question is a real packet. */
import { spawnSync } from 'node:child_process';
import type { Datapath } from '../../datapath/datapath.ts';
import { inNetns } from '../../kernel/netns.ts';
import { Lab } from '../../lab/lab.ts';
import { destroyLab } from '../../lab/network/destroy.ts';
import { loopbackAddress, setCommand } from '../../lab/network/ip-commands.ts';
import { netnsPath, worldNetns } from '../../lab/network/names.ts';
import { makeLabDirectory } from '../../lab/paths.ts';
import type { Address } from '../../objects/ip.ts';
import type { ManifestObject } from '../../objects/manifest.ts';
import type { Answer, EngineOptions, EngineSession, EngineState, Question } from '../engine.ts';
import { LabProber } from './lab-prober.ts';

type Objects = ReadonlyMap<string, ManifestObject>;

export interface LabSessionOptions extends EngineOptions {
  /** What enforces on a node, whose network namespace is there. */
  readonly openDatapath: (lab: string, node: string) => Datapath;
}

let sessions = 0;

export class LabSession implements EngineSession {
  readonly #name: string;
  readonly #lab: Lab;
  readonly #prober: LabProber;
  readonly #onProgress: (text: string) => void;
  /** Undefined until the lab is up. */
  #objects: Objects | undefined;

  constructor({ families, via, openDatapath, onProgress }: LabSessionOptions) {
    sessions += 1;
    this.#name = `conformance-${process.pid}-${sessions}`;
    makeLabDirectory(this.#name);
    this.#lab = new Lab({ name: this.#name, families, nodes: 0, openDatapath });
    this.#prober = new LabProber(this.#name, via);
    this.#onProgress = onProgress;
  }

  async apply({ objects }: EngineState): Promise<void> {
    const before = this.#objects;
    if (before) await this.#change(before, objects);
    else await this.#lab.up(objects, this.#onProgress);
    this.#objects = objects;
  }

  async judge(questions: readonly Question[]): Promise<readonly Answer[]> {
    this.#placeOutside(questions);
    return this.#prober.judge(questions, this.#lab.cluster);
  }

  async close(): Promise<void> {
    this.#lab.close();
    await destroyLab(this.#name);
  }

  /** Takes away first: what comes may have the address of what goes. */
  async #change(before: Objects, after: Objects): Promise<void> {
    const gone = [...before.keys()].filter((key) => !after.has(key));
    if (gone.length > 0) await this.#lab.delete(gone, performance.now());
    const fresh = [...after].filter(([key, object]) => before.get(key) !== object);
    if (fresh.length > 0) await this.#lab.apply(new Map(fresh), performance.now());
  }

  /** The lab's world has the addresses that stand for what policies name; the cases' own come beside them. */
  #placeOutside(questions: readonly Question[]): void {
    const addresses = new Map<string, Address>();
    for (const { from, to } of questions)
      for (const end of [from, to])
        if (end.kind === 'outside') for (const address of end.addresses) addresses.set(address.text, address);
    if (addresses.size === 0) return;
    const script = addresses
      .values()
      .map(({ text, family }) => setCommand(loopbackAddress(`${text}/${family === 4 ? 32 : 128}`)));
    const { status, stderr } = inNetns(netnsPath(worldNetns(this.#name)), () =>
      spawnSync('ip', ['-batch', '-'], { input: `${[...script].join('\n')}\n`, encoding: 'utf8' }),
    );
    if (status !== 0) throw new Error(`ip: ${stderr}`);
  }
}

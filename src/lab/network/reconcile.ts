/**
 * Makes the network of a lab what it should be, touching only what differs. A crash at any point is harmless: the
 * next run makes anew whatever is not surely whole.
 */
import { availableParallelism } from 'node:os';
import { BulkheadError, failure } from '../../errors.ts';
import type { Address } from '../../objects/ip.ts';
import type { Cluster } from '../../objects/model.ts';
import { createNetns, deleteNetns, isNetns, prepareNetnsDirectory } from '../../kernel/netns.ts';
import {
  childCommands,
  detachCommand,
  loopbackUp,
  parentCommands,
  setCommand,
  unsetCommand,
} from './ip-commands.ts';
import { netnsDirectory, netnsPath } from './names.ts';
import { planChange, type Plan } from './plan.ts';
import { labNetnsNames, removeNamespaces } from './remove.ts';
import { keepOnlyResolvers, writeResolver } from './resolver-files.ts';
import { readState, withNetworkLock, writeState } from './state.ts';
import { applySysctls } from './sysctls.ts';
import { forEachLimited, runTool } from './tool.ts';
import { topologyOf } from './topology.ts';

export interface NetworkRequest {
  readonly lab: string;
  readonly cluster: Cluster;
  /** Addresses outside the cluster that the world has. */
  readonly external: readonly Address[];
}

export interface NetworkChange {
  /** Names of the namespaces that were made and removed; equal names in both were made anew. */
  readonly created: readonly string[];
  readonly removed: readonly string[];
}

/**
 * Brings up or changes the network of a lab. Processes that live in namespaces which go away are ended. Throws
 * BulkheadError LAB_BUSY, LAB_TOOL_MISSING or LAB_NETWORK_FAILED; after a failure, run it again or destroy the lab.
 */
export async function reconcileNetwork({ lab, cluster, external }: NetworkRequest): Promise<NetworkChange> {
  const wanted = topologyOf(lab, cluster, external);
  return withNetworkLock(lab, async (lock) =>
    explainingErrors(async () => {
      prepareNetnsDirectory(netnsDirectory);
      const state = readState(lab);
      const plan = planChange(state, livingNamespaces(lab), wanted);
      if (isEmpty(plan)) return { created: [], removed: [] };

      writeState(lab, { version: 1, applied: plan.kept, pending: [...state.pending, state.applied, wanted] });
      await carryOut(plan, lock);
      keepOnlyResolvers(lab, new Set(wanted.map((place) => place.netns)));
      writeState(lab, { version: 1, applied: wanted, pending: [] });
      return { created: plan.create.map((place) => place.netns), removed: plan.remove };
    }),
  );
}

/** What the kernel refuses has one common reason, which its message does not say. */
async function explainingErrors<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') throw error;
    if (error instanceof BulkheadError) throw error;
    const hint = forbidden.has(error.code)
      ? 'Give the process CAP_SYS_ADMIN, CAP_NET_ADMIN and a writable /proc/sys; a container has them with --privileged.'
      : 'Take the lab down and up again; please report it if it happens again.';
    throw new BulkheadError(failure('LAB_NETWORK_FAILED', error.message, { hint }), { cause: error });
  }
}

const forbidden: ReadonlySet<string> = new Set(['EPERM', 'EACCES', 'EROFS']);

async function carryOut(plan: Plan, lock: number): Promise<void> {
  const ip = async (netns: string, lines: readonly string[]): Promise<void> =>
    runTool({ netns, command: ['ip', '-batch', '-'], script: script(lines), lock });
  const atOnce = availableParallelism() + 1;

  await removeNamespaces(plan.remove);
  const unset = new Map<string, string[]>();
  for (const link of plan.detach) extend(unset, link.parent, [detachCommand(link)]);
  for (const [netns, lines] of plan.unset) extend(unset, netns, lines.map(unsetCommand));
  await forEachLimited([...unset], atOnce, ([netns, lines]) =>
    runTool({ netns, command: ['ip', '-force', '-batch', '-'], script: script(lines), lock, mayFail: true }),
  );

  for (const place of plan.create) {
    createNetns(netnsPath(place.netns), () => applySysctls(place.role));
  }
  for (const place of plan.writeResolver) writeResolver(place.netns, place.resolver);

  const inRouters = new Map<string, string[]>();
  for (const { netns, role } of plan.create) {
    if (role !== 'pod') extend(inRouters, netns, [loopbackUp]);
  }
  for (const { netns, link } of plan.create) {
    if (link) extend(inRouters, link.parent, parentCommands(netns, link));
  }
  for (const [netns, settings] of plan.set) extend(inRouters, netns, settings.map(setCommand));
  await forEachLimited([...inRouters], atOnce, ([netns, lines]) => ip(netns, lines));
  await forEachLimited(plan.create, atOnce, async ({ netns, link }) => {
    if (link) await ip(netns, childCommands(link));
  });
  await forEachLimited(plan.loadRules, atOnce, ({ netns, rules }) =>
    runTool({ netns, command: ['nft', '-f', '-'], script: rules, lock }),
  );
}

/** Files without a namespace, which only a crash or a reboot leaves, are removed on the way. */
function livingNamespaces(lab: string): ReadonlySet<string> {
  const names = labNetnsNames(lab);
  const living = names.filter((name) => isNetns(netnsPath(name)));
  for (const name of names) if (!living.includes(name)) deleteNetns(netnsPath(name));
  return new Set(living);
}

function isEmpty(plan: Plan): boolean {
  const { create, remove, detach, loadRules, writeResolver: resolvers, set, unset } = plan;
  return (
    [create, remove, detach, loadRules, resolvers].every((list) => list.length === 0) &&
    set.size + unset.size === 0
  );
}

function extend(lists: Map<string, string[]>, netns: string, lines: readonly string[]): void {
  const list = lists.get(netns);
  if (list) list.push(...lines);
  else lists.set(netns, [...lines]);
}

function script(lines: readonly string[]): string {
  return `${lines.join('\n')}\n`;
}

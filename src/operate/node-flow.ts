/** A flow, or lost ones, with the node whose agent told of it. */
import type { LiveMark } from '../agent/flow-stream.ts';
import type { FlowItem } from '../observe/flow-log.ts';

export type NodeFlow = FlowItem & { readonly node: string };

/** One line of an agent's answer. @throws SyntaxError for what is no JSON */
export function parseFlow(node: string, line: string): NodeFlow | LiveMark {
  const item = JSON.parse(line) as FlowItem | LiveMark;
  return item.kind === 'live' ? item : { ...item, node };
}

/** In the order of their time. Lost ones have none: each stays behind the flow that its node told before it. */
export function byTime<T extends { readonly flow: NodeFlow }>(all: readonly T[]): T[] {
  const last = new Map<string, string>();
  const timed = all.map((one) => {
    const { flow } = one;
    const time = flow.kind === 'flow' ? flow.record.time : (last.get(flow.node) ?? '');
    last.set(flow.node, time);
    return { time, one };
  });
  return timed.toSorted((a, b) => (a.time === b.time ? 0 : a.time < b.time ? -1 : 1)).map(({ one }) => one);
}

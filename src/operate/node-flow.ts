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
    // Of two halves of one connection in the same millisecond egress came first.
    const isEgress = flow.kind === 'flow' && flow.record.decisions[0]?.direction === 'egress';
    return { key: `${time}${isEgress ? 0 : 1}`, one };
  });
  return timed.toSorted((a, b) => (a.key === b.key ? 0 : a.key < b.key ? -1 : 1)).map(({ one }) => one);
}

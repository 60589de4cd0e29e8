/** What is asked of the agents: as `flow-stream.ts` of the agent reads it. */
import type { FlowFilter } from '../observe/flow-filter.ts';

export interface FlowQuestion {
  /** Past flows, at most so many. */
  readonly last: number;
  readonly filter: FlowFilter;
}

export function flowsRequest(
  { filter }: FlowQuestion,
  more: { readonly last?: number; readonly since?: string; readonly follow?: boolean },
): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(filter)) parameters.set(name, String(value));
  if (more.last !== undefined) parameters.set('last', String(more.last));
  if (more.since !== undefined) parameters.set('since', more.since);
  if (more.follow === true) {
    parameters.set('follow', '');
    parameters.set('mark', '');
  }
  return `/flows?${parameters.toString()}`;
}

/**
 * One connection between pods of two nodes is judged twice: egress where it starts, ingress where it ends. Joins the
 * two events, so that a reader sees one line per connection.
 */
import type { Direction } from '../policy/ir.ts';
import { destinationOf, isJudged, podAt, sourceOf } from './flow-record.ts';
import type { ObservedEvent } from './flow-record.ts';

export type Connection = readonly [ObservedEvent, ...ObservedEvent[]];

/** The other half was seen microseconds later, or it was lost: two drains of the ring are enough to wait. Nanoseconds. */
const patience = 50_000_000n;

interface Waiting {
  readonly half: ObservedEvent;
  /** By CLOCK_MONOTONIC, as events are. */
  readonly expires: bigint;
}

export class FlowJoiner {
  readonly #waiting = new Map<string, Waiting>();

  /** Takes one event; gives the connection that it completes, if it does. */
  add(half: ObservedEvent): Connection | undefined {
    const key = connectionKey(half);
    const other = this.#waiting.get(key)?.half;
    if (other && other.node !== half.node) {
      this.#waiting.delete(key);
      return [other, half];
    }
    if (!expectsAnotherHalf(half)) return [half];
    this.#waiting.set(key, { half, expires: half.event.time + patience });
    return other ? [other] : undefined;
  }

  /** Connections whose other half did not come until `now` (nanoseconds of CLOCK_MONOTONIC). */
  expired(now: bigint): Connection[] {
    const due = [...this.#waiting].filter(([, waiting]) => waiting.expires <= now);
    for (const [key] of due) this.#waiting.delete(key);
    return due.map(([, waiting]) => [waiting.half]);
  }
}

/** Source and destination are those after DNAT on both nodes. */
function connectionKey({ event }: ObservedEvent): string {
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
  return [event.protocol, hex(event.source), event.sourcePort, hex(event.destination), event.port].join(' ');
}

function expectsAnotherHalf({ event, node, snapshot }: ObservedEvent): boolean {
  const onOtherNode = (pod: { node: string } | undefined) => pod !== undefined && pod.node !== node;
  const unjudged = (direction: Direction) => !isJudged(event, direction);
  const source = podAt(snapshot, sourceOf(event));
  const destination = podAt(snapshot, destinationOf(event));
  const leaves = event.allowed && unjudged('ingress') && onOtherNode(destination);
  const arrives = unjudged('egress') && onOtherNode(source);
  return leaves || arrives;
}

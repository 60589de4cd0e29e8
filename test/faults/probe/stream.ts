/** What the probes send, and what came of it. */

export interface End {
  /** Path of a network namespace. */
  readonly netns: string;
  readonly address: string;
}

/**
 * Packets with numbers, one every millisecond. `new`: each from a source port of its own, a connection of its own for
 * whoever tracks connections. `kept`: all of one connection, which must come about at the start.
 */
export interface Stream {
  /** Unique. */
  readonly name: string;
  readonly protocol: 'TCP' | 'UDP';
  readonly flow: 'kept' | 'new';
  readonly from: End;
  /** Without a namespace nobody looks what arrives; then it must be single packets. */
  readonly to: Partial<Pick<End, 'netns'>> & Pick<End, 'address'>;
  /** Unique among the streams between two ends. Nobody listens there: the probes do. */
  readonly port: number;
}

/** Of packets; of messages and segments on a kept TCP connection. */
export interface Tally {
  readonly sent: number;
  /** What reached the other end. */
  readonly arrived: number;
  /** What did not; on a kept TCP connection, what had to be sent again. */
  readonly lost: number;
  /** The same of answers, which come back for each packet that arrives. */
  readonly unanswered: number;
}

export interface ProbeReport {
  readonly tallies: Readonly<Record<string, Tally>>;
  /** The longest time between two rounds of packets, in milliseconds: what lasted less may have been missed. */
  readonly longestPauseMs: number;
}

/** The two lines that the process of the probes understands: count from now on; say what has come since. */
export type ProbeCommand = 'mark' | 'report';

/** The engines that are attacked. */
import type { Datapath } from '../../src/datapath/datapath.ts';
import { openNodeDatapath } from '../../src/lab/datapaths.ts';

export interface Engine {
  readonly name: string;
  /** The datapath of a node of a lab, whose network namespace is there. */
  open(lab: string, node: string): Datapath;
}

export const engines: readonly Engine[] = [{ name: 'ebpf', open: openNodeDatapath }];

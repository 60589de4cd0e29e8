/** What the lab's commands have in common. */
import { Option } from 'commander';
import { engineWishes, type EngineWish } from '../../datapath/engine-choice.ts';

export interface LabOptions {
  readonly name: string;
}

export const nameOption = (): Option =>
  new Option('--name <lab>', 'name of the lab').env('BULKHEAD_LAB').default('default');

export interface EngineOptions {
  readonly datapath: EngineWish;
}

export const datapathOption = (): Option =>
  new Option('--datapath <engine>', 'what enforces on the nodes; auto asks the kernel what it can do')
    .choices([...engineWishes])
    .default('auto');

/** What the lab's commands have in common. */
import { Option } from 'commander';

export interface LabOptions {
  readonly name: string;
}

export const nameOption = (): Option =>
  new Option('--name <lab>', 'name of the lab').env('BULKHEAD_LAB').default('default');

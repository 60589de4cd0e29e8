import type { Command } from 'commander';
import { defineGroup, type Session } from '../command.ts';

export const labCommand = (_session: Session): Command =>
  defineGroup(
    { name: 'lab', summary: 'run the manifests: real packets, policies enforced in the kernel' },
    [],
  );

import { release } from 'node:os';
import type { Command } from 'commander';
import { defineCommand, structured, type Session } from '../command.ts';
import { packageVersion } from '../version.ts';

export interface Versions {
  readonly bulkhead: string;
  readonly node: string;
  readonly kernel: string;
  readonly platform: string;
}

export const versionCommand = (session: Session): Command =>
  defineCommand<object, Versions>(
    {
      name: 'version',
      summary: 'print the versions of bulkhead, Node.js and the kernel',
      examples: [{ command: 'bulkhead version -o json', text: 'For a bug report' }],
      formats: {
        table: () => import('../render/version-table.ts').then((m) => m.renderVersions),
        ...structured(),
      },
      run: () =>
        Promise.resolve({
          data: {
            bulkhead: packageVersion(),
            node: process.versions.node,
            kernel: release(),
            platform: `${process.platform}/${process.arch}`,
          },
        }),
    },
    session,
  );

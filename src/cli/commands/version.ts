import { release } from 'node:os';
import type { Command } from 'commander';
import { defineCommand, structured, type Session } from '../command.ts';
import { packageVersion, type Versions } from '../version.ts';

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

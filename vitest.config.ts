import { defineConfig } from 'vitest/config';

/**
 * Groups, one after the other: everything that only computes or uses its own kernel objects runs in parallel; the
 * end-to-end tests bring up whole labs, and the last group Kubernetes clusters: they load the machine and are therefore run
 * file by file.
 */
export default defineConfig({
  test: {
    pool: 'forks',
    // Where root runs the tests for a user, nothing of root's may stay in the user's checkout.
    cache: false,
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/e2e/**', 'test/cluster/**'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'cluster',
          include: ['test/cluster/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 120_000,
          // What BULKHEAD_CLUSTER=1 builds takes minutes.
          hookTimeout: 1_200_000,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});

import { defineConfig } from 'vitest/config'

/**
 * Five projects: `unit` (no programs but Node, runs in `npm run check`), `conformance` (the gateway
 * on loopback against raw bytes), `fuzz` (decoders, for a minute), `e2e` (real programs; one file at a
 * time, since they share CPUs) and `bench`.
 * One project after the other, so that what waits for real time has the machine for itself.
 * Files of `unit` and `conformance` share their worker's modules: loading them anew takes a second for each file.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          // Key generation and mutations take seconds on a busy machine; no test waits for real time.
          testTimeout: 30_000,
          hookTimeout: 30_000,
          isolate: false,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
          include: ['test/**/*.test.ts'],
          exclude: ['test/{conformance,fuzz,e2e}/**'],
        },
      },
      {
        test: {
          name: 'conformance',
          isolate: false,
          // They wait for real time, hardly ever for a CPU.
          maxWorkers: 4,
          sequence: { groupOrder: 1 },
          include: ['test/conformance/**/*.test.ts'],
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      // Mutations until the time is over: one file that has a CPU for itself.
      {
        test: {
          name: 'fuzz',
          sequence: { groupOrder: 2 },
          include: ['test/fuzz/**/*.test.ts'],
        },
      },
      // Figures, never failures: run by `npm run bench`, and by nothing else.
      {
        test: {
          name: 'bench',
          sequence: { groupOrder: 4 },
          include: ['test/bench/**/*.bench.ts'],
          testTimeout: 600_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'e2e',
          sequence: { groupOrder: 3 },
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
})

import { defineConfig } from 'vitest/config';
import { page } from './build/page.js';

export default defineConfig({
  plugins: [page()],
  test: {
    include: ['test/**/*.test.ts'],
    // Real child processes and sockets on a machine that may be loaded: generous, and no test waits for it.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 30_000 } },
    pool: 'forks',
    // Tests mostly wait for processes: two at a time use a small machine well, more would starve each other.
    maxWorkers: 2,
  },
});

import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

// Tests run the sources, not dist/: the packages name their sources under this export condition.
const conditions = ['@tasklane/source']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ['packages/*/{src,test}/**/*.test.ts', 'test/**/*.test.ts'],
    // Most of the time is spent waiting for processes and servers: three files at once also where there are two cores.
    maxWorkers: Math.max(3, availableParallelism() - 1),
    reporters: ['default', './scripts/closing-line-reporter.mjs'],
    // Servers that tests share; none is started before a test asks for it.
    globalSetup: ['test/support/servers/global-setup.ts'],
    // Real processes on two cores: a deadline that only a hang reaches.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    coverage: {
      provider: 'v8',
      include: ['packages/*/src/**/*.ts'],
      reporter: ['text', 'html'],
    },
  },
})

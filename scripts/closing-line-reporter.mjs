// Prints one plain line for the whole run: "N passed, N failed, N skipped". A run without a test counts as failed.
export default class ClosingLineReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const count = { passed: 0, failed: unhandledErrors.length, skipped: 0 }
    for (const module of modules) {
      const before = count.passed + count.failed + count.skipped
      for (const test of module.children.allTests()) {
        const state = test.result().state
        count[state === 'passed' ? 'passed' : state === 'failed' ? 'failed' : 'skipped'] += 1
      }
      // A module that could not be loaded holds no test of its own, yet it is a failure.
      if (module.state() === 'failed' && before === count.passed + count.failed + count.skipped) count.failed += 1
    }
    if (count.passed + count.failed === 0) process.exitCode = 1
    if (process.env.REQUIRE_ALL === '1' && count.skipped > 0) {
      process.stdout.write(`REQUIRE_ALL=1: ${count.skipped} skipped tests count as failures.\n`)
      process.exitCode = 1
    }
    process.stdout.write(`\n${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped\n`)
  }
}

import { join } from 'node:path'
import { expect, type TestContext } from 'vitest'
import { createStage, root, type Stage } from '../support/processes.ts'
import { findOrInstall, programOnPath } from '../support/servers/find-or-install.ts'

/** The clients are programs in Python, with nothing but its standard library. */
export const python = await findOrInstall({
  name: 'Python 3',
  packages: ['python3'],
  find: () => programOnPath('python3', 'python'),
})

export const curl = await findOrInstall({ name: 'curl', packages: ['curl'], find: () => programOnPath('curl') })

export function client(name: string): string {
  return join(root, 'test/dialects/clients', name)
}

/** Tests that run at the same time say each for itself when it is over. */
export function setUp({ onTestFinished }: Pick<TestContext, 'onTestFinished'>): Stage {
  const stage = createStage()
  onTestFinished(() => stage.close())
  return stage
}

/** What a program prints at its end, once all that it asserts held. */
export async function runClient(
  stage: Stage,
  name: string,
  ...args: readonly string[]
): Promise<Record<string, unknown>> {
  const running = stage.run(String(python), [client(name), ...args])
  expect((await running.exited).code, running.stderr()).toBe(0)
  return JSON.parse(running.stdout())
}

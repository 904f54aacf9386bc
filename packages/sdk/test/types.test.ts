import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const run = promisify(execFile)
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

// An error that is gone leaves its `@ts-expect-error` unused, which is an error too: then tsc fails here.
it('compiles what is right and refuses what is wrong', async () => {
  const tsc = here('../../../node_modules/typescript/bin/tsc')
  const outcome = await run(process.execPath, [tsc, '--project', here('./tsconfig.json')]).catch(
    (error: unknown) => error,
  )
  expect(outcome).toMatchObject({ stdout: '' })
})

import { createSession } from './commands/command.ts'
import { exitCodes } from './exit-codes.ts'
import { createProcessHost } from './host.ts'
import { reportFailure, runCommandLine } from './program.ts'

const words = process.argv.slice(2)
const host = createProcessHost()

// Messages that cannot be written, on a full disk or to a reader that has left, end nothing: a worker holds tasks.
process.stderr.on('error', () => undefined)

let isDataLost = false
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // The reader of a pipe has left (`tasklane tasks list | head`): there is nobody to go on for.
  if (error.code === 'EPIPE') process.exit(exitCodes.ok)
  if (isDataLost) return
  // What runs goes on to its end, but a script must not take the output for complete.
  isDataLost = true
  process.exitCode = exitCodes.failed
  const message = `stdout cannot be written: ${error.message}. Free some space, or send the output elsewhere.`
  const code = error.code?.toLowerCase() ?? 'stdout_failed'
  reportFailure(
    { exitCode: exitCodes.failed, code, messages: [message] },
    createSession(host, words.includes('--json')),
  )
})

// Not process.exit: what is still on its way to a pipe would be lost.
const exitCode = await runCommandLine(words, host)
if (!isDataLost || exitCode !== exitCodes.ok) process.exitCode = exitCode

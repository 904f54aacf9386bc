import { createProcessHost } from './host.ts'
import { runCommandLine } from './program.ts'

for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // The reader of a pipe has left (`tasklane tasks list | head`): there is nobody to go on for.
    if (error.code === 'EPIPE') process.exit(0)
    throw error
  })
}

// Not process.exit: what is still on its way to a pipe would be lost.
process.exitCode = await runCommandLine(process.argv.slice(2), createProcessHost())

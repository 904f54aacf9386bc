import { type Child, type ChildOptions, describeExit, startChild } from './child-process.ts'
import { reachableAddress } from './connection.ts'
import { exitCodes } from './exit-codes.ts'
import { CommandFailure } from './faults.ts'

export interface SchedulerChild {
  readonly child: Child
  /** Where it listens, as a client of this machine reaches it. */
  readonly url: string
}

/**
 * Starts `tasklane serve` as a process and waits for the address it got.
 * @throws CommandFailure when it ends before it has told one; what it said has gone to `onLine` then
 */
export async function startSchedulerChild(
  options: Omit<ChildOptions, 'args'> & { readonly args: readonly string[] },
): Promise<SchedulerChild> {
  let tell: (url: string) => void = () => undefined
  const told = new Promise<string>(resolve => {
    tell = resolve
  })
  const child = startChild({
    ...options,
    args: ['serve', ...options.args],
    onLine: (stream, line) => {
      const url = stream === 'stdout' ? urlOf(line) : null
      if (url === null) options.onLine(stream, line)
      else tell(url)
    },
  })
  const first = await Promise.race([told, child.exited])
  if (typeof first === 'string') return { child, url: reachableAddress(first) }
  throw new CommandFailure(exitCodes.failed, 'scheduler_not_started', `The scheduler ${describeExit(first)}.`)
}

/** The first line of `serve` on stdout is its address. */
function urlOf(line: string): string | null {
  return /^https?:\/\/\S+$/.exec(line)?.[0] ?? null
}

import { exitCodes } from '../exit-codes.ts'
import { CommandFailure } from '../faults.ts'
import { findStateFolder } from '../pool/state-folder.ts'
import { startSupervisor } from '../pool/supervisor.ts'
import { readConnectionTo } from '../read-connection.ts'
import { createCommand, type Session } from './command.ts'
import { readStateDir, stateDirOption } from './pool-flags.ts'
import { exitCodeOfSignal } from './stopping.ts'

/** What `workers start` starts and leaves behind; not for people. */
export function createSuperviseCommand(session: Session) {
  return createCommand(session, {
    usage: 'supervise',
    summary: 'keep a pool as it is wanted',
    options: [stateDirOption],
    examples: [],
    run: async ({ host, read }) => {
      const { path, connectionTo } = await read(input => ({
        path: readStateDir(input, host.cwd),
        connectionTo: (urls: readonly string[]) => readConnectionTo(urls, input, host),
      }))
      const folder = findStateFolder(path)
      if (folder === null) throw new CommandFailure(exitCodes.notFound, 'state_dir', `${path} is no folder of a pool.`)
      host.setTitle('tasklane pool')
      let killAll = (): void => undefined
      const interrupts = host.interrupts.listen(name => {
        killAll()
        host.exit(exitCodeOfSignal(name))
      })
      const token = host.env.TASKLANE_SCALING_TOKEN ?? ''
      const supervisor = startSupervisor({
        folder,
        env: host.env,
        nowMs: host.nowMs,
        sleep: host.sleep,
        log: text => void host.stderr.write(`${new Date(host.nowMs()).toISOString()} ${text}\n`),
        stopping: interrupts.signal,
        connect: urls => host.connect(token === '' ? connectionTo(urls) : { urls, token }),
      })
      if (supervisor === null) {
        throw new CommandFailure(exitCodes.conflict, 'pool_supervised', `Another supervisor has ${path}.`)
      }
      killAll = supervisor.killAll
      await supervisor.done
      interrupts.release()
      return exitCodes.ok
    },
  })
}

import { existsSync, readdirSync } from 'node:fs'
import { exitCodes } from '../exit-codes.ts'
import { CommandFailure } from '../faults.ts'
import { Interruption } from '../host.ts'
import { readName, readNumber } from '../input/values.ts'
import { visibleText } from '../output/text-width.ts'
import { followLogs, lastLines } from '../pool/log-reading.ts'
import { findStateFolder } from '../pool/state-folder.ts'
import { createCommand, jsonOption, type Session } from './command.ts'
import { readStateDir, stateDirOption } from './pool-flags.ts'

const linesDefault = 20

export function createPoolLogsCommand(session: Session) {
  return createCommand(session, {
    usage: 'logs [worker...]',
    summary: 'show what the workers of the pool said last',
    options: [
      { flags: '--lines <n>', help: `lines of each (default ${linesDefault})` },
      { flags: '--follow', help: 'go on with what they say, until Ctrl-C' },
      stateDirOption,
      jsonOption,
    ],
    notes: 'The log of the supervisor, with every restart and every change of size, is named `supervisor`.',
    examples: [
      ['tasklane workers logs --follow', 'all of them'],
      ['tasklane workers logs worker-2 supervisor --lines 100', 'two of them'],
    ],
    run: async run => {
      const { host, output } = run
      const given = await run.read(input => ({
        path: readStateDir(input, host.cwd),
        names: input.operands('WORKER', readName),
        lines: input.flag('--lines', (subject, text) =>
          readNumber(subject, text, { min: 0, max: 100_000, isWhole: true }),
        ),
        isFollowing: input.isSet('--follow'),
      }))
      const folder = findStateFolder(given.path)
      const known = folder === null || !existsSync(folder.logs) ? [] : namesIn(folder.logs)
      const unknown = given.names.find(name => !known.includes(name))
      if (folder === null || known.length === 0 || unknown !== undefined) {
        const has = known.length === 0 ? 'There are none' : `There are those of ${known.join(', ')}`
        const what = unknown === undefined ? 'No pool has left logs here' : `There is no log of '${unknown}' here`
        throw new CommandFailure(exitCodes.notFound, 'log_not_found', `${what} (${given.path}). ${has}.`)
      }
      const names = given.names.length === 0 ? known : given.names
      const width = Math.max(...names.map(name => name.length))
      const print = (name: string, line: string): void => {
        if (output.isJson) output.record({ worker_id: name, line })
        else output.data(names.length === 1 ? visibleText(line) : `${name.padEnd(width)} | ${visibleText(line)}`)
      }
      const logs = names.map(name => ({ name, file: folder.logOf(name) }))
      for (const { name, file } of logs) {
        for (const line of lastLines(file, given.lines ?? linesDefault)) print(name, line)
      }
      if (!given.isFollowing) return exitCodes.ok
      const interrupts = host.interrupts.listen()
      try {
        await followLogs(logs, { print, sleep: host.sleep, signal: interrupts.signal })
      } catch (error) {
        if (!(error instanceof Interruption)) throw error
      } finally {
        interrupts.release()
      }
      return exitCodes.ok
    },
  })
}

function namesIn(logs: string): readonly string[] {
  return readdirSync(logs)
    .filter(name => name.endsWith('.log'))
    .map(name => name.slice(0, -'.log'.length))
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
}

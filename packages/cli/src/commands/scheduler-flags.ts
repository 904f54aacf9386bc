import type { Arguments } from '../input/arguments.ts'
import { readPath } from '../input/values.ts'
import { findSchedulerFaults, type SchedulerFlags } from '../scheduler-process.ts'
import type { OptionSpec } from './command.ts'

/** What every command that starts a scheduler can be told of it. */
export const schedulerOptions: readonly OptionSpec[] = [
  { flags: '--host <address>', help: 'the address to listen on (API_HOST; default 127.0.0.1)' },
  { flags: '--port <n>', help: 'the port, 0 for any free one (API_PORT; default 8000)' },
  { flags: '--data <file>', help: 'the SQLite file (default ./tasklane.db unless DATABASE_URL is set)' },
  { flags: '--tls-cert <file>', help: 'serve HTTPS with this certificate, PEM (TASKLANE_TLS_CERT)' },
  { flags: '--tls-key <file>', help: 'and its key; both are read again when they change (TASKLANE_TLS_KEY)' },
  { flags: '--no-migrate', help: 'leave the schema alone; `tasklane migrate up` brings it up to date (PostgreSQL)' },
]

/** Their meaning is the scheduler's, which judges them together with the environment. */
export async function readSchedulerFlags(
  input: Arguments,
  env: Readonly<Record<string, string | undefined>>,
): Promise<SchedulerFlags> {
  const asText = (_subject: string, text: string) => ({ value: text })
  const host = input.flag('--host', asText)
  const port = input.flag('--port', asText)
  const data = input.flag('--data', asText)
  const tlsCert = input.flag('--tls-cert', readPath)
  const tlsKey = input.flag('--tls-key', readPath)
  const migrate = input.isSet('--no-migrate') ? { migrate: false } : {}
  const flags = {
    ...migrate,
    ...(host === null ? {} : { host }),
    ...(port === null ? {} : { port }),
    ...(data === null ? {} : { data }),
    ...(tlsCert === null ? {} : { tlsCert }),
    ...(tlsKey === null ? {} : { tlsKey }),
  }
  for (const fault of await findSchedulerFaults(env, flags)) input.fault(fault)
  return flags
}

/** The words that say the same to another `tasklane serve`. */
export function schedulerArgs({ host, port, data, migrate, tlsCert, tlsKey }: SchedulerFlags): readonly string[] {
  const valued = { host, port, data, 'tls-cert': tlsCert, 'tls-key': tlsKey }
  return [
    ...Object.entries(valued).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, value])),
    ...(migrate === false ? ['--no-migrate'] : []),
  ]
}

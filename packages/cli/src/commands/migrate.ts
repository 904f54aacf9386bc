import { exitCodes } from '../exit-codes.ts'
import type { Output } from '../output/output.ts'
import { renderFacts } from '../output/table.ts'
import { findStoreFaults, openSchemaTools, type SchemaStatus, type SchemaTools } from '../scheduler-process.ts'
import { type CommandRun, createCommand, createGroup, jsonOption, type OptionSpec, type Session } from './command.ts'

/** Migrations as a step of their own, for those who do not want a node that starts to change the schema. */
export function createMigrateCommand(session: Session) {
  return createGroup('migrate', 'look at the schema of the store, and bring it up to date', [
    createCommand(session, {
      usage: 'status',
      summary: 'show the version of the schema, and what is open; changes nothing',
      options: [dataOption, jsonOption],
      notes: 'The store is the one that `tasklane serve` would use.',
      examples: [['DATABASE_URL=postgresql://me@db.example/tasks tasklane migrate status', '']],
      readsEnvFile: true,
      run: async run => {
        const { output } = run
        const tools = await readTools(run)
        const status = await tools.status()
        output.document(toDocument(status), () => renderStatus(status, output))
        return exitCodes.ok
      },
    }),
    createCommand(session, {
      usage: 'plan',
      summary: 'print the SQL that `up` would run; changes nothing',
      options: [dataOption, jsonOption],
      notes: 'A script for psql, for where no program may change a schema.',
      examples: [['tasklane migrate plan > schema.sql', 'nothing is printed where nothing is open']],
      readsEnvFile: true,
      run: async run => {
        const { output } = run
        const tools = await readTools(run)
        const plan = await tools.plan()
        if (plan === null) output.note(byItself)
        else if (plan.open.length === 0) output.note(upToDate)
        if (output.isJson) output.record(plan ?? { open: [], sql: '' })
        else if (plan !== null && plan.sql !== '') output.data(plan.sql)
        return exitCodes.ok
      },
    }),
    createCommand(session, {
      usage: 'up',
      summary: 'bring the schema up to date',
      options: [dataOption, jsonOption],
      notes: [
        'All of it or nothing, in one transaction; safe while nodes run, and from several places at once. `tasklane serve` does',
        'the same at its start, unless it is told --no-migrate.',
      ].join('\n'),
      examples: [['tasklane migrate up', 'a line for each migration']],
      readsEnvFile: true,
      run: async run => {
        const { output } = run
        const tools = await readTools(run)
        const applied = await tools.up()
        if (applied === null) output.note(byItself)
        else if (applied.length === 0) output.note(upToDate)
        if (output.isJson) output.record({ applied: applied ?? [] })
        else for (const { version, name } of applied ?? []) output.data(`applied ${version} ${name}`)
        return exitCodes.ok
      },
    }),
  ])
}

const dataOption: OptionSpec = {
  flags: '--data <file>',
  help: 'the SQLite file (default ./tasklane.db unless DATABASE_URL is set)',
}

async function readTools({ host, read }: CommandRun): Promise<SchemaTools> {
  const flags = await read(async input => {
    const data = input.flag('--data', (_subject, text) => ({ value: text }))
    const given = data === null ? {} : { data }
    for (const fault of await findStoreFaults(host.env, given)) input.fault(fault)
    return given
  })
  return openSchemaTools(host.env, flags)
}

const byItself = 'This store is brought up to date when a scheduler starts on it; there is nothing to do.'
const upToDate = 'The schema is up to date.'

/** For programs: names and times as everywhere else. */
function toDocument(status: SchemaStatus): unknown {
  if (status.kind === 'memory') return { store: 'memory' }
  const { version, known } = status
  if (status.kind === 'sqlite') return { store: 'sqlite', file: status.file, version, known_version: known }
  return {
    store: 'postgres',
    database: status.place,
    version,
    known_version: known,
    is_usable: status.isUsable,
    applied: status.applied.map(each => ({
      version: each.version,
      name: each.name,
      applied_at: new Date(each.appliedAtMs).toISOString(),
    })),
    open: status.open,
  }
}

function renderStatus(status: SchemaStatus, output: Output): string {
  if (status.kind === 'memory') return 'A store in memory has no schema that stays.'
  const version = (own: number): string => {
    if (own > status.known) return `${own}, of a newer Tasklane (this one knows ${status.known})`
    return own === status.known ? `${own}, up to date` : `${own} of ${status.known}`
  }
  if (status.kind === 'sqlite') {
    const facts = [
      ['store', `SQLite in ${status.file}`],
      ['schema', version(status.version)],
    ] as const
    return renderFacts(facts, output.paint)
  }
  const facts: (readonly [string, string])[] = [
    ['store', `PostgreSQL at ${status.place}`],
    ['schema', status.version === 0 ? 'none yet' : version(status.version)],
  ]
  if (status.version > status.known) {
    facts.push(['usable', status.isUsable ? 'yes' : 'no: it is of a later version than this one can work with'])
  }
  for (const { version: own, name, appliedAtMs } of status.applied) {
    facts.push([`applied ${own}`, `${name}, ${new Date(appliedAtMs).toISOString()}`])
  }
  for (const { version: own, name } of status.open) facts.push([`open ${own}`, name])
  if (status.open.length > 0) facts.push(['next', '`tasklane migrate up` applies what is open'])
  return renderFacts(facts, output.paint)
}

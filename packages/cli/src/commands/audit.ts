import { type AuditEntry, limits } from '@tasklane/protocol'
import { readNumber, readText } from '../input/values.ts'
import { formatAge } from '../output/quantities.ts'
import { type ConnectedRun, connectionOptions, createCommand, type Session } from './command.ts'

const entriesDefault = 50
const entriesMax = 10_000

export function createAuditCommand(session: Session) {
  return createCommand(session, {
    usage: 'audit',
    summary: 'show who did what, from where, and how it ended',
    options: [
      { flags: '--actor <name>', help: "only of this user, or 'token:NAME'" },
      { flags: '--action <verb>', help: 'only this, such as login, task.cancel or user.create' },
      { flags: '--subject <name>', help: 'only what was done to this task, worker, user or token' },
      { flags: '--limit <n>', help: `entries, newest first (default ${entriesDefault})` },
      ...connectionOptions,
    ],
    examples: [
      ['tasklane audit --actor ada', ''],
      ['tasklane audit --action login --limit 1000 --json', 'for a program'],
    ],
    run: run =>
      run.connected(
        input => {
          const readWord = (subject: string, text: string) => readText(subject, text, 256)
          return {
            actor: input.flag('--actor', readWord) ?? undefined,
            action: input.flag('--action', readWord) ?? undefined,
            subject: input.flag('--subject', readWord) ?? undefined,
            limit:
              input.flag('--limit', (subject, text) =>
                readNumber(subject, text, { min: 1, max: entriesMax, isWhole: true }),
              ) ?? entriesDefault,
          }
        },
        async (client, { limit, ...filter }) => {
          const entries: AuditEntry[] = []
          let cursor: string | undefined
          do {
            const left = Math.min(limits.pageAuditMax, limit - entries.length)
            const page = await client.accounts.audit({ ...filter, limit: left, cursor })
            entries.push(...page.entries)
            cursor = page.next_cursor ?? undefined
          } while (cursor !== undefined && entries.length < limit)
          run.output.document({ entries }, () => renderEntries(run, entries))
          return undefined
        },
      ),
  })
}

function renderEntries({ host, output }: ConnectedRun, entries: readonly AuditEntry[]): string {
  if (entries.length === 0) return 'Nothing of this kind was done.'
  const nowMs = host.nowMs()
  const reasons = { title: 'reason', text: (entry: AuditEntry) => entry.reason ?? '-' }
  return output.table(entries, [
    { title: 'when', text: entry => formatAge(entry.time, nowMs) },
    { title: 'who', text: entry => entry.actor ?? '-' },
    { title: 'did', text: entry => entry.action },
    { title: 'to', text: entry => entry.subject ?? '-', shrinks: true },
    { title: 'address', text: entry => entry.address ?? '-' },
    {
      title: 'outcome',
      text: entry => entry.outcome,
      style: (text, entry) => output.paint(entry.outcome === 'ok' ? 'green' : 'yellow', text),
    },
    // A scheduler of an earlier version says nothing of it.
    ...(entries.some(entry => (entry.reason ?? null) !== null) ? [reasons] : []),
  ])
}

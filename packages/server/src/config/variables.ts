import type { Reader } from './reader.ts'

/** The environment variables a node reads, for documents and for finding misspelt ones. */
export const variables = Object.freeze([
  'ACCESS_TOKEN_EXPIRE_MINUTES',
  'ALGORITHM',
  'API_HOST',
  'API_PORT',
  'DATABASE_URL',
  'DATABASE_URL_FILE',
  'DEBUG',
  'HEARTBEAT_INTERVAL',
  'LOG_LEVEL',
  'METRICS_ENABLED',
  'SECRET_KEY',
  'SECRET_KEY_FILE',
  'SECRET_KEY_PREVIOUS',
  'SECRET_KEY_PREVIOUS_FILE',
  'TASK_TIMEOUT',
  'TASKLANE_ADMIN_PASSWORD',
  'TASKLANE_ADMIN_PASSWORD_FILE',
  'TASKLANE_ALLOWED_HOSTS',
  'TASKLANE_AUDIT_RETENTION',
  'TASKLANE_AUTH',
  'TASKLANE_CORS_ORIGINS',
  'TASKLANE_DATABASE_CONNECTIONS',
  'TASKLANE_ENVIRONMENT',
  'TASKLANE_HEAD_START',
  'TASKLANE_HINTS_URL',
  'TASKLANE_PUBLIC_URL',
  'TASKLANE_RATE_LIMIT',
  'TASKLANE_RETENTION',
  'TASKLANE_RETRY_BASE',
  'TASKLANE_RETRY_CAP',
  'TASKLANE_SQLITE_SYNCHRONOUS',
  'TASKLANE_TLS_CERT',
  'TASKLANE_TLS_KEY',
  'TASKLANE_TRACE_URL',
  'TASKLANE_WEBHOOK_ALLOW',
  'TASKLANE_WORKER_TOKEN',
  'TASKLANE_WORKER_TOKEN_FILE',
  'TRUST_PROXY',
])

/** Read by workers, clients and the command line, not by a node; known here so that they are not taken for mistakes. */
export const otherVariables = Object.freeze([
  'MAX_WORKERS',
  'TASKLANE_SCALING_TOKEN',
  'TASKLANE_TOKEN',
  'TASKLANE_TOKEN_FILE',
  'TASKLANE_URL',
  'WORKER_ID',
])

/** A misspelt setting would be a setting that silently is not made. Only names of our own can be judged. */
export function findUnknownVariables({ env, faults }: Reader): void {
  for (const name of Object.keys(env)) {
    if (!name.startsWith('TASKLANE_') || variables.includes(name) || otherVariables.includes(name)) continue
    const close = nearest(name, [...variables, ...otherVariables])
    faults.push(`${name} is not a setting of Tasklane${close === null ? '; unset it' : `; did you mean ${close}?`}`)
  }
}

/** The closest known name, if it is close enough to be a slip of the finger. */
function nearest(name: string, known: readonly string[]): string | null {
  const ranked = known.map(other => ({ other, distance: editDistance(name, other) }))
  const best = ranked.sort((one, two) => one.distance - two.distance)[0]
  return best !== undefined && best.distance <= 4 ? best.other : null
}

function editDistance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, at) => at)
  for (let at = 1; at <= one.length; at += 1) {
    const next = [at]
    for (let to = 1; to <= other.length; to += 1) {
      const replaced = (row[to - 1] ?? 0) + (one[at - 1] === other[to - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[to] ?? 0) + 1, (next[to - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[other.length] ?? 0
}

import type { Hint } from '../../ports/broker.ts'

/**
 * What travels in one notification: `{"n": node, "r": [[queue, type], …], "e": [task ids], "c": [what changed]}`, or
 * `"all": true` where that would be too long.
 */
interface Notice {
  readonly n: string
  readonly r?: readonly (readonly [string, string])[]
  readonly e?: readonly string[]
  readonly c?: readonly string[]
  readonly all?: boolean
}

/** PostgreSQL takes 7,999 bytes. */
const noticeBytesMax = 7_900

/** Hints that wait for the next notification, each once. */
export interface Outbox {
  put(hint: Hint): void
  /** The next notification; null where there is none. */
  take(): string | null
  isEmpty(): boolean
  /** Somebody may be waiting for what it holds. */
  isUrgent(): boolean
  clear(): void
}

export function createOutbox(node: string): Outbox {
  const ready = new Map<string, readonly [string, string]>()
  const ended = new Set<string>()
  const changed = new Set<string>()
  let isAll = false

  const isUrgent = (): boolean => ready.size > 0 || ended.size > 0 || isAll
  const isEmpty = (): boolean => changed.size === 0 && !isUrgent()
  const clear = (): void => {
    ready.clear()
    ended.clear()
    changed.clear()
    isAll = false
  }
  return Object.freeze<Outbox>({
    put(hint) {
      if (isAll) return
      if (hint.kind === 'ready') ready.set(`${hint.queue}\n${hint.type}`, [hint.queue, hint.type])
      else if (hint.kind === 'ended') for (const id of hint.taskIds) ended.add(id)
      else if (hint.kind === 'changed') changed.add(hint.what)
      else isAll = true
      // An id takes some ten bytes at least: what cannot fit need not be gathered.
      if (ready.size + ended.size > noticeBytesMax / 10) isAll = true
    },
    take() {
      if (isEmpty()) return null
      const whole: Notice = isAll
        ? { n: node, all: true }
        : { n: node, r: [...ready.values()], e: [...ended], ...(changed.size === 0 ? {} : { c: [...changed] }) }
      clear()
      const text = JSON.stringify(whole)
      return Buffer.byteLength(text) <= noticeBytesMax ? text : JSON.stringify({ n: node, all: true } satisfies Notice)
    },
    isEmpty,
    isUrgent,
    clear,
  })
}

/** The hints of a notification; none of one's own, and of nobody's that cannot be read. */
export function readNotice(payload: string, self: string): readonly Hint[] {
  let notice: Partial<Notice>
  try {
    notice = JSON.parse(payload) as Partial<Notice> // Any program may notify: every member is looked at below.
  } catch {
    return [{ kind: 'resync' }]
  }
  if (notice === null || typeof notice !== 'object' || notice.n === self) return []
  if (notice.all === true) return [{ kind: 'resync' }]
  const hints: Hint[] = []
  for (const lane of listOf(notice.r)) {
    const [queue, type] = listOf(lane)
    if (typeof queue === 'string' && typeof type === 'string') hints.push({ kind: 'ready', queue, type })
  }
  const taskIds = listOf(notice.e).filter(id => typeof id === 'string')
  if (taskIds.length > 0) hints.push({ kind: 'ended', taskIds })
  for (const what of listOf(notice.c)) {
    if (what === 'tasks' || what === 'workers' || what === 'queues') hints.push({ kind: 'changed', what })
  }
  return hints
}

function listOf(member: unknown): readonly unknown[] {
  return Array.isArray(member) ? member : []
}

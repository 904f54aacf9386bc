export interface Toast {
  readonly id: number
  readonly tone: 'good' | 'bad'
  readonly text: string
}

/** Long enough to read a line; who is still reading points at it. */
const lifeMs = 4_000
const shownMax = 4

const listeners = new Set<() => void>()
const lives = new Map<number, ReturnType<typeof setTimeout>>()
const holds = new Set<Hold>()
let toasts: readonly Toast[] = []
let lastId = 0

/** The pointer is above them, the focus is in them, or nobody sees the page: none of them ends then. */
export type Hold = 'pointer' | 'focus' | 'hidden'

export function toast(tone: Toast['tone'], text: string): void {
  lastId += 1
  set([...toasts.slice(1 - shownMax), { id: lastId, tone, text }])
}

export function toastError(error: unknown): void {
  toast('bad', error instanceof Error ? error.message : String(error))
}

export function dismiss(id: number): void {
  set(toasts.filter(each => each.id !== id))
}

export function hold(why: Hold, isHeld: boolean): void {
  if (isHeld) holds.add(why)
  else holds.delete(why)
  keepLives()
}

export function shownToasts(): readonly Toast[] {
  return toasts
}

export function listenToToasts(tell: () => void): () => void {
  listeners.add(tell)
  return () => listeners.delete(tell)
}

function set(next: readonly Toast[]): void {
  toasts = next
  // Nobody lets go of what is gone: neither the pointer nor the focus tells of it.
  if (next.length === 0) for (const why of ['pointer', 'focus'] as const) holds.delete(why)
  keepLives()
  for (const tell of listeners) tell()
}

/** What went wrong stays until it is dismissed; all else ends by itself, and begins its time anew when it is let go. */
function keepLives(): void {
  const alive = new Set(holds.size > 0 ? [] : toasts.filter(({ tone }) => tone === 'good').map(({ id }) => id))
  for (const [id, life] of lives) {
    if (alive.has(id)) continue
    clearTimeout(life)
    lives.delete(id)
  }
  for (const id of alive)
    if (!lives.has(id))
      lives.set(
        id,
        setTimeout(() => dismiss(id), lifeMs),
      )
}

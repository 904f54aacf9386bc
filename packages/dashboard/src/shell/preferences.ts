import { useSyncExternalStore } from 'react'

/** What a person chose for this browser. */
export interface Preferences {
  readonly theme: 'dark' | 'light' | 'system'
  readonly times: 'relative' | 'local' | 'utc'
  readonly areKeysOn: boolean
  readonly isNavNarrow: boolean
  readonly hiddenColumns: readonly string[]
  /** Rows of lists stand closer together. */
  readonly isDense: boolean
}

const key = 'tasklane.preferences'
const usual: Preferences = {
  theme: 'system',
  times: 'relative',
  areKeysOn: true,
  isNavNarrow: false,
  hiddenColumns: ['queue'],
  isDense: false,
}
const listeners = new Set<() => void>()
let current = read()

export function usePreferences(): Preferences {
  return useSyncExternalStore(listen, () => current)
}

export function setPreferences(changes: Partial<Preferences>): void {
  current = { ...current, ...changes }
  try {
    localStorage.setItem(key, JSON.stringify(current))
  } catch {
    // Storage is closed: the choice holds for this page only.
  }
  showTheme()
  for (const tell of listeners) tell()
}

export function isDark(): boolean {
  return current.theme === 'dark' || (current.theme === 'system' && matchMedia('(prefers-color-scheme: dark)').matches)
}

function showTheme(): void {
  document.documentElement.dataset.theme = isDark() ? 'dark' : 'light'
}

function listen(tell: () => void): () => void {
  listeners.add(tell)
  return () => listeners.delete(tell)
}

function read(): Preferences {
  try {
    return { ...usual, ...JSON.parse(localStorage.getItem(key) ?? '{}') }
  } catch {
    return usual
  }
}

matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  showTheme()
  current = { ...current }
  for (const tell of listeners) tell()
})

// Another tab of this browser is another view of the same person.
window.addEventListener('storage', event => {
  if (event.key !== key && event.key !== null) return
  current = read()
  showTheme()
  for (const tell of listeners) tell()
})

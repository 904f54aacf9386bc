import { createShared } from '../parts/store.ts'

/** Whether somebody put the choice of a password off: for this tab, until the next login. */
const key = 'tasklane.later'
export const isPutOff = createShared(read())

export function putOff(): void {
  keep('yes')
  isPutOff.set(true)
}

export function askAgainLater(): void {
  keep(null)
  isPutOff.set(false)
}

function read(): boolean {
  try {
    return sessionStorage.getItem(key) !== null
  } catch {
    return false
  }
}

function keep(word: string | null): void {
  try {
    if (word === null) sessionStorage.removeItem(key)
    else sessionStorage.setItem(key, word)
  } catch {
    // Storage is closed: it is asked again after a reload.
  }
}

import { useNow } from '../parts/time.tsx'

/** Whole seconds until then, counting down; 0 where there is nothing to wait for. */
export function useSecondsUntil(atMs: number | null): number {
  // Draws again each second; the clock of the page may be a second old when it begins.
  useNow()
  return atMs === null ? 0 : Math.max(0, Math.ceil((atMs - Date.now()) / 1_000))
}

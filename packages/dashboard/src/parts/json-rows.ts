import type { Json } from '@tasklane/protocol'
import { pathTo } from './json-path.ts'

/** One line of a tree of JSON. */
export interface JsonRow {
  /** As a program would write it; empty for the value itself. */
  readonly path: string
  readonly depth: number
  /** Null for the value itself. */
  readonly name: string | null
  readonly value: Json
  /** How many are inside; null where nothing can be. */
  readonly size: number | null
  readonly isOpen: boolean
}

type Container = { readonly [name: string]: Json }

export function isContainer(value: Json): value is Container {
  return typeof value === 'object' && value !== null
}

/** What nobody opened or closed by hand: the first levels, unless they are long. */
export function isOpenAtFirst(depth: number, size: number): boolean {
  return depth === 0 || (depth < 3 && size <= 100)
}

/** The lines of a tree from top to bottom; what is closed hides what is inside. */
export function rowsOf(
  value: Json,
  isOpen: (path: string, depth: number, size: number) => boolean,
): readonly JsonRow[] {
  const rows: JsonRow[] = []
  const add = (each: Json, name: string | null, path: string, depth: number) => {
    if (!isContainer(each)) {
      rows.push({ path, depth, name, value: each, size: null, isOpen: false })
      return
    }
    const isList = Array.isArray(each)
    const names = Object.keys(each)
    const open = names.length > 0 && isOpen(path, depth, names.length)
    rows.push({ path, depth, name, value: each, size: names.length, isOpen: open })
    if (open) for (const inner of names) add(each[inner] ?? null, inner, pathTo(path, inner, isList), depth + 1)
  }
  add(value, null, '', 0)
  return rows
}

export interface JsonMatch {
  readonly path: string
  /** The paths that have to be open for it to be seen. */
  readonly above: readonly string[]
}

/** Places whose name or value has this text in it, from top to bottom. */
export function findInJson(value: Json, text: string, matchesMax: number): readonly JsonMatch[] {
  const wanted = text.toLowerCase()
  const found: JsonMatch[] = []
  const look = (each: Json, name: string, path: string, above: readonly string[]) => {
    if (found.length >= matchesMax) return
    const isInside = isContainer(each)
    const own = isInside ? '' : typeof each === 'string' ? each : String(each)
    if (name.toLowerCase().includes(wanted) || own.toLowerCase().includes(wanted)) found.push({ path, above })
    if (!isInside) return
    const isList = Array.isArray(each)
    const within = [...above, path]
    // The index of an entry is no text that anybody would look for.
    for (const [inner, deeper] of Object.entries(each))
      look(deeper, isList ? '' : inner, pathTo(path, inner, isList), within)
  }
  if (wanted !== '') look(value, '', '', [])
  return found
}

/** Longer lines are cut into several, so that none of them is slow to draw. */
const lineCharsMax = 2_000

export function linesOf(text: string): readonly string[] {
  const lines: string[] = []
  for (const line of text.split('\n')) {
    if (line.length <= lineCharsMax) lines.push(line)
    else for (let at = 0; at < line.length; at += lineCharsMax) lines.push(line.slice(at, at + lineCharsMax))
  }
  return lines
}

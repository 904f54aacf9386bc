import type { Json } from '@tasklane/protocol'
import { pathTo } from '../parts/json-path.ts'

/** One place where two values differ; a missing value is undefined. */
export interface Difference {
  readonly path: string
  readonly before: Json | undefined
  readonly after: Json | undefined
}

const differencesMax = 500

/** Where they differ, place by place, in the order of the values; no more than one can read. */
export function differencesOf(before: Json, after: Json): readonly Difference[] {
  const found: Difference[] = []
  compare('', before, after, found)
  return found
}

function compare(path: string, before: Json | undefined, after: Json | undefined, found: Difference[]): void {
  if (before === after || found.length >= differencesMax) return
  if (!isContainer(before) || !isContainer(after) || Array.isArray(before) !== Array.isArray(after)) {
    found.push({ path: path === '' ? 'all of it' : path, before, after })
    return
  }
  const isList = Array.isArray(before)
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)]))
    compare(pathTo(path, name, isList), own(before, name), own(after, name), found)
}

type Container = { readonly [name: string]: Json }

function isContainer(value: Json | undefined): value is Container {
  return typeof value === 'object' && value !== null
}

function own(container: Container, name: string): Json | undefined {
  return Object.hasOwn(container, name) ? container[name] : undefined
}

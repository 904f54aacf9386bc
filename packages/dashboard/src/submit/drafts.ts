import type { Json, Task } from '@tasklane/protocol'
import { root } from '../api/http.ts'
import { createShared } from '../parts/store.ts'

/** What the form of a submit holds; texts as typed. */
export interface Draft {
  readonly type: string
  readonly payload: Json
  readonly queue: string
  readonly priority: number | null
  readonly name: string
  readonly delay: string
  readonly timeout: string
  readonly retries: string
  readonly dependencies: string
  readonly labels: string
  readonly key: string
}

export const emptyDraft: Draft = {
  type: '',
  payload: null,
  queue: '',
  priority: null,
  name: '',
  delay: '',
  timeout: '',
  retries: '',
  dependencies: '',
  labels: '',
  key: '',
}

/** The draft of the open drawer; null while it is closed. */
export const submitDrawer = createShared<Draft | null>(null)

export function draftOf(task: Task): Draft {
  return {
    ...emptyDraft,
    type: task.task_type,
    payload: task.payload,
    queue: task.queue === 'default' ? '' : task.queue,
    priority: task.priority_source === 'declared' ? task.priority : null,
    name: task.name ?? '',
    timeout: task.timeout === null || task.timeout === 300 ? '' : String(task.timeout),
    retries: task.max_retries === 5 ? '' : String(task.max_retries),
    labels: Object.entries(task.labels)
      .map(([key, value]) => `${key}:${value}`)
      .join(', '),
  }
}

/** The body of the call; fields that were left empty are left out, so that the scheduler's own defaults hold. */
export function bodyOf(draft: Draft): Record<string, Json> {
  const labels = pairs(draft.labels)
  const dependencies = draft.dependencies.split(/[\s,]+/).filter(id => id !== '')
  return {
    task_type: draft.type,
    ...(draft.payload === null ? {} : { payload: draft.payload }),
    ...(draft.queue === '' ? {} : { queue: draft.queue }),
    ...(draft.priority === null ? {} : { priority: draft.priority }),
    ...(draft.name === '' ? {} : { name: draft.name }),
    ...(draft.delay === '' ? {} : { delay: Number(draft.delay) }),
    ...(draft.timeout === '' ? {} : { timeout: Number(draft.timeout) }),
    ...(draft.retries === '' ? {} : { max_retries: Number(draft.retries) }),
    ...(dependencies.length === 0 ? {} : { dependencies }),
    ...(Object.keys(labels).length === 0 ? {} : { labels }),
    ...(draft.key === '' ? {} : { idempotency_key: draft.key }),
  }
}

function pairs(text: string): Record<string, string> {
  const found: Record<string, string> = {}
  for (const pair of text.split(',')) {
    const colon = pair.indexOf(':')
    const key = (colon === -1 ? pair : pair.slice(0, colon)).trim()
    if (key !== '') found[key] = colon === -1 ? '' : pair.slice(colon + 1).trim()
  }
  return found
}

export type Language = 'curl' | 'TypeScript' | 'CLI'

/** The same submit in the words of a shell or a program. */
export function codeOf(body: Readonly<Record<string, Json>>, language: Language): string {
  const url = root.href.replace(/\/$/, '')
  if (language === 'curl') {
    const json = JSON.stringify(body)
    return `curl -X POST ${url}/api/tasks \\\n  -H 'content-type: application/json' \\\n  -d ${quoteForShell(json)}`
  }
  const { task_type, payload, ...options } = body
  if (language === 'CLI') {
    const flags = [
      ['queue', '--queue'],
      ['priority', '--priority'],
      ['delay', '--delay'],
      ['name', '--name'],
    ].flatMap(([key = '', flag]) =>
      options[key] === undefined ? [] : [`${flag} ${quoteForShell(String(options[key]))}`],
    )
    const json = payload === undefined ? [] : [quoteForShell(JSON.stringify(payload))]
    return ['tasklane submit', String(task_type), ...json, ...flags, `--url ${url} --wait`].join(' ')
  }
  const second = JSON.stringify(payload ?? null)
  const camel = Object.fromEntries(
    Object.entries(options).map(([key, value]) => [key === 'dependencies' ? 'dependsOn' : camelCase(key), value]),
  )
  const third = Object.keys(options).length === 0 ? '' : `, ${JSON.stringify(camel)}`
  return `import { TasklaneClient } from "@tasklane/sdk"

const client = new TasklaneClient({ url: '${url}' })
const task = await client.submit(${JSON.stringify(task_type)}, ${second}${third})
console.log(await task.result())`
}

function camelCase(name: string): string {
  return name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
}

/** In single quotes nothing has a meaning to a shell but the quote itself. */
export function quoteForShell(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}

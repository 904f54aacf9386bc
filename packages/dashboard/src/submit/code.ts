import type { Json } from '@tasklane/protocol'

export type Language = 'curl' | 'TypeScript' | 'CLI' | 'Python'
export const languages: readonly Language[] = ['curl', 'TypeScript', 'CLI', 'Python']

/** The body of a submit, as it travels. */
export type Body = Readonly<Record<string, Json>>

export interface CodePlace {
  /** Of the scheduler, without a slash at its end. */
  readonly url: string
  /** Where one has to log in, a token is read from the environment and never stands in the text. */
  readonly needsToken: boolean
}

/** The same submit in the words of a shell or a program; a test runs each of them. */
export function codeOf(body: Body, language: Language, place: CodePlace): string {
  switch (language) {
    case 'curl':
      return curlOf(body, place)
    case 'CLI':
      return cliOf(body, place)
    case 'Python':
      return pythonOf(body, place)
    case 'TypeScript':
      return typeScriptOf(body, place)
  }
}

function curlOf(body: Body, { url, needsToken }: CodePlace): string {
  const token = needsToken ? ` \\\n  -H "authorization: Bearer $TASKLANE_TOKEN"` : ''
  const json = quoteForShell(JSON.stringify(body))
  return `curl -sS -X POST ${quoteForShell(`${url}/api/tasks`)}${token} \\\n  -H 'content-type: application/json' \\\n  -d ${json}`
}

const flags: readonly (readonly [field: string, flag: string])[] = [
  ['queue', '--queue'],
  ['priority', '--priority'],
  ['delay', '--delay'],
  ['run_at', '--run-at'],
  ['timeout', '--timeout'],
  ['max_retries', '--max-retries'],
  ['task_id', '--id'],
  ['idempotency_key', '--idempotency-key'],
  ['name', '--name'],
  ['on_dependency_failure', '--on-dependency-failure'],
]

function cliOf(body: Body, { url }: CodePlace): string {
  const { task_type, payload, dependencies, labels } = body
  const parts = ['tasklane submit']
  // A value that begins with a dash would be taken for a flag; behind the equals sign it is a value.
  for (const [field, flag] of flags) {
    const value = body[field]
    if (value !== undefined) parts.push(`${flag}=${quoteForShell(value === null ? 'none' : String(value))}`)
  }
  for (const id of listOf(dependencies)) parts.push(`--depends-on=${quoteForShell(String(id))}`)
  for (const [key, value] of Object.entries(objectOf(labels)))
    parts.push(`--label=${quoteForShell(`${key}=${String(value)}`)}`)
  parts.push(`--url=${quoteForShell(url)}`, '--wait', '--', quoteForShell(String(task_type)))
  if (payload !== undefined) parts.push(quoteForShell(JSON.stringify(payload)))
  return parts.join(' ')
}

function typeScriptOf(body: Body, { url }: CodePlace): string {
  const { task_type, payload, ...rest } = body
  // `description` and the others have the same names in camel case, but for one.
  const options = Object.fromEntries(
    Object.entries(rest).map(([name, value]) => [name === 'dependencies' ? 'dependsOn' : camelCase(name), value]),
  )
  const third = Object.keys(rest).length === 0 ? '' : `, ${JSON.stringify(options)}`
  return `import { TasklaneClient } from "@tasklane/sdk"

const client = new TasklaneClient({ url: ${JSON.stringify(url)} })
const task = await client.submit(${JSON.stringify(task_type ?? '')}, ${JSON.stringify(payload ?? null)}${third})
console.log(await task.result())
await client.close()`
}

function camelCase(name: string): string {
  return name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
}

function pythonOf(body: Body, { url, needsToken }: CodePlace): string {
  const token = needsToken ? `, "Authorization": "Bearer " + os.environ["TASKLANE_TOKEN"]` : ''
  return `import json
${needsToken ? 'import os\n' : ''}import urllib.request

url = ${JSON.stringify(url)}
headers = {"Content-Type": "application/json"${token}}


def call(path, body=None):
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url + path, data, headers)) as reply:
        return json.load(reply)


task = call("/api/tasks", ${pythonLiteral(body)})
while task["completed_at"] is None:
    task = call("/api/tasks/" + task["task_id"] + "/result?wait=30")
print(task["status"], task["result"])`
}

/** A text of JSON is a text of Python; only three words differ. */
function pythonLiteral(value: Json): string {
  if (value === null) return 'None'
  if (value === true) return 'True'
  if (value === false) return 'False'
  if (typeof value !== 'object') return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(pythonLiteral).join(', ')}]`
  const entries = Object.entries(value).map(([name, each]) => `${JSON.stringify(name)}: ${pythonLiteral(each)}`)
  return `{${entries.join(', ')}}`
}

function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : []
}

function objectOf(value: Json | undefined): { readonly [key: string]: Json } {
  // The check leaves what has names; TypeScript does not take a readonly list for a list.
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as { readonly [key: string]: Json })
    : {}
}

/** In single quotes nothing has a meaning to a shell but the quote itself. */
export function quoteForShell(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}

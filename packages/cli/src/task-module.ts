import { stat } from 'node:fs/promises'
import { extname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { AnyTaskDefinition } from '@tasklane/sdk'
import { UsageError } from './faults.ts'
import type { Arguments } from './input/arguments.ts'
import { readPath } from './input/values.ts'

const scriptExtensions = ['.js', '.mjs', '.cjs']
const typescriptExtensions = ['.ts', '.mts', '.cts']

/**
 * Loads a task module and returns every value it exports that `defineTask` made: named, default, or in an array.
 * TypeScript is compiled on the way, on every Node.
 * @throws UsageError with the way out: no such file, another kind of file, an error while loading, no tasks in it
 */
export async function loadTaskModule(path: string, cwd: string): Promise<readonly AnyTaskDefinition[]> {
  const fault = await findModuleFault(path, cwd)
  if (fault !== null) throw new UsageError([fault])
  const file = resolve(cwd, path)
  const exported = await importModule(path, file, typescriptExtensions.includes(extname(file)))
  const definitions = exportedValues(exported).filter(isTaskDefinition)
  const found = [...new Set(definitions)]
  if (found.length === 0) throw new UsageError([describeEmpty(path, Object.keys(exported))])
  refuseDoubles(path, found)
  return found
}

/** Reads the operand `[module]`: a file that may be loaded, though it is not yet, or null where there is none. */
export async function readTaskModule(input: Arguments, cwd: string): Promise<string | null> {
  const path = input.operand(0, 'The module', readPath)
  const fault = path === null ? null : await findModuleFault(path, cwd)
  if (fault !== null) input.fault(fault)
  return path
}

/** The sentence where it is no file that could be loaded. */
export async function findModuleFault(path: string, cwd: string): Promise<string | null> {
  const file = resolve(cwd, path)
  const extension = extname(file)
  if (![...scriptExtensions, ...typescriptExtensions].includes(extension)) {
    return `${path} is no task module: it ends in '${extension}', not in .ts, .mts, .js or .mjs.`
  }
  return (await isFile(file)) ? null : `There is no file ${file}. Give the path of a task module.`
}

/** Named exports and the default one, and what stands in arrays of them. */
function exportedValues(exported: Record<string, unknown>): readonly unknown[] {
  const values = Object.values(exported).flatMap((value: unknown): unknown[] =>
    Array.isArray(value) ? value : [value],
  )
  // Of a CommonJS module, which a .ts file without "type": "module" is, `default` is the object of all its exports.
  const { default: all } = exported
  if (typeof all !== 'object' || all === null || Array.isArray(all) || isTaskDefinition(all)) return values
  return [
    ...values,
    ...Object.values(all).flatMap((value: unknown): unknown[] => (Array.isArray(value) ? value : [value])),
  ]
}

/**
 * Lets this process load TypeScript, as ESM and as CommonJS. For the whole process, not for one import alone: a scoped
 * import would give the module an SDK of its own.
 */
async function registerTypescript(): Promise<void> {
  const [cjs, esm] = await Promise.all([import('tsx/cjs/api'), import('tsx/esm/api')])
  cjs.register()
  esm.register()
}

async function importModule(path: string, file: string, isTypescript: boolean): Promise<Record<string, unknown>> {
  const address = pathToFileURL(file).href
  try {
    if (isTypescript) await registerTypescript()
    return await import(address)
  } catch (error) {
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error)
    // The stack is the user's own code here, and says where in it to look.
    throw new UsageError([`${path} cannot be loaded. ${reason}`])
  }
}

function describeEmpty(path: string, names: readonly string[]): string {
  const exportsWhat = names.length === 0 ? 'exports nothing' : `exports ${names.join(', ')}, none of them a task`
  return [
    `${path} ${exportsWhat}. Export what defineTask makes, for example:`,
    '',
    "  import { defineTask } from '@tasklane/sdk'",
    "  export const greet = defineTask({ type: 'greet', run: (input: { name: string }) => 'Hello ' + input.name })",
  ].join('\n')
}

function refuseDoubles(path: string, definitions: readonly AnyTaskDefinition[]): void {
  const types = definitions.map(definition => definition.type)
  const double = types.find((type, at) => types.indexOf(type) !== at)
  if (double !== undefined) throw new UsageError([`${path} defines the type '${double}' twice; rename one of them.`])
}

/** By its shape, not its class: the module may come with a copy of the SDK of its own. */
function isTaskDefinition(value: unknown): value is AnyTaskDefinition {
  if (typeof value !== 'object' || value === null) return false
  return (
    'type' in value &&
    typeof value.type === 'string' &&
    'run' in value &&
    typeof value.run === 'function' &&
    'defaults' in value
  )
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile()
  } catch {
    return false
  }
}

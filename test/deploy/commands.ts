import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../support/processes.ts'

export function readRoot(name: string): string {
  return readFileSync(join(root, name), 'utf8')
}

/** The command lines for Tasklane's image in compose.yaml, by the anchor they stand under. */
export function composeCommands(): readonly (readonly string[])[] {
  const found = [...readRoot('compose.yaml').matchAll(/^ {2}command: (\[.*\])$/gm)]
  // Lists of texts in quotes are the same in YAML and JSON.
  return found.map(([, list]) => JSON.parse(list ?? '') as string[])
}

/** What follows an instruction of the Dockerfile, line by line; continued lines are one. */
export function dockerfileLines(instruction: string): readonly string[] {
  const lines = readRoot('Dockerfile').replace(/\\\n/g, ' ').split('\n')
  return lines.filter(line => line.startsWith(`${instruction} `)).map(line => line.slice(instruction.length + 1).trim())
}

import { randomBytes } from 'node:crypto'
import { UsageError } from '../faults.ts'
import { type Host, Interruption } from '../host.ts'

/** Asks a person, or reads what was piped in, line by line. */
export interface Prompt {
  readonly isTerminal: boolean
  /** What is typed is seen. */
  text(question: string): Promise<string>
  /** What is typed is not seen. */
  secret(question: string): Promise<string>
  /** Twice, where a person types: nobody sees a slip. */
  newSecret(question: string): Promise<string>
}

const charsMax = 10_000
const ctrlC = '\u0003'
const ctrlD = '\u0004'
const backspaces = '\u0008\u007f'

/** Stdin belongs to the prompt while `use` runs, and is closed then: nothing would end the process otherwise. */
export async function withPrompt<Result>(host: Host, use: (prompt: Prompt) => Promise<Result>): Promise<Result> {
  const chunks = host.stdin[Symbol.asyncIterator]()
  try {
    return await use(createPrompt(host, chunks))
  } finally {
    await chunks.return?.()
  }
}

function createPrompt({ stdin, stderr }: Host, chunks: AsyncIterator<Buffer | string>): Prompt {
  const isTerminal = stdin.isTTY === true
  // Read, but behind the line that was asked for.
  let ahead = ''

  async function nextChar(): Promise<string | null> {
    if (ahead === '') {
      const next = await chunks.next()
      if (next.done === true) return null
      ahead = String(next.value)
    }
    const [char = ''] = ahead
    ahead = ahead.slice(char.length)
    return char
  }

  async function readLine(question: string): Promise<string> {
    let line = ''
    for (;;) {
      const char = await nextChar()
      if (char === ctrlC) throw new Interruption('SIGINT')
      if (char === '\n' || char === '\r') break
      if (char === null || (char === ctrlD && line === '')) {
        if (line !== '') break
        throw new UsageError([`${question} is asked for, and stdin has ended. Type it, or pipe it in as a line.`])
      }
      line = backspaces.includes(char) ? [...line].slice(0, -1).join('') : line + char
      if (line.length > charsMax) throw new UsageError([`${question} takes at most ${charsMax} characters.`])
    }
    // A line that was typed elsewhere ends in two characters.
    if (ahead.startsWith('\n')) ahead = ahead.slice(1)
    return line
  }

  async function ask(question: string, isHidden: boolean): Promise<string> {
    if (isTerminal) stderr.write(`${question}: `)
    if (!isTerminal || !isHidden) return readLine(question)
    stdin.setRawMode?.(true)
    try {
      return await readLine(question)
    } finally {
      stdin.setRawMode?.(false)
      stderr.write('\n')
    }
  }

  return {
    isTerminal,
    text: question => ask(question, false),
    secret: question => ask(question, true),
    newSecret: async question => {
      const first = await ask(question, true)
      if (!isTerminal || (await ask(`${question}, once more`, true)) === first) return first
      throw new UsageError(['The two were not the same; nothing was changed.'])
    },
  }
}

/** 128 bits by chance, as a person can copy it. */
export function makePassword(): string {
  return randomBytes(16).toString('base64url')
}

import { hash, type Options, verify } from '@node-rs/argon2'
import { limits } from '@tasklane/protocol'
import { Problem } from '../../core/problem.ts'

/**
 * Passwords are kept as argon2id, with the parameters that OWASP names first (19 MiB, two passes, one lane): about 20 ms
 * of one core each. So hashing is what a flood of logins could eat the machine with; no more than two run at a time, which
 * leaves threads of the pool to files and names, and those that wait are bounded.
 */
export interface Passwords {
  hash(password: string): Promise<string>
  /**
   * Compares with a hash, or, where there is none, does the same work and says no.
   *
   * @param isKnown one who has come in from this address before: waits in a line of its own, which goes first
   */
  verify(password: string, hashed: string | null, isKnown: boolean): Promise<boolean>
  /** Whether a hash was made with other parameters than today's. */
  isOutdated(hashed: string): boolean
}

/** What does the work; a test counts how often it is asked. */
export interface PasswordHasher {
  readonly hash: (password: string) => Promise<string>
  readonly verify: (hashed: string, password: string) => Promise<boolean>
}

const parameters = Object.freeze({ memoryCost: 19_456, timeCost: 2, parallelism: 1 })
const argon2id = 2
const prefix = `$argon2id$v=19$m=${parameters.memoryCost},t=${parameters.timeCost},p=${parameters.parallelism}$`
/** No password leads to this digest but by chance, and nobody looks at the answer: it is there for the work. */
const nobodysHash = `${prefix}${'c2FsdHNhbHRzYWx0c2FsdA'}$${'A'.repeat(43)}`

const options: Options = { ...parameters, algorithm: argon2id as NonNullable<Options['algorithm']> } // A `const enum`, which cannot be named here.

const argon2: PasswordHasher = {
  hash: password => hash(password, options),
  verify: (hashed, password) => verify(hashed, password),
}

const atOnceMax = 2
const waitingMax = 64

export function createPasswords(hasher: PasswordHasher = argon2): Passwords {
  const slots = createSlots()
  return Object.freeze<Passwords>({
    hash: password => slots.run(() => hasher.hash(normalise(password)), true),
    verify: async (password, hashed, isKnown) => {
      // No password is so long, and nobody's hash was made from one: nothing is told by not working on it.
      if (password.length > limits.passwordCharsMax) return false
      const isRight = await slots.run(() => hasher.verify(hashed ?? nobodysHash, normalise(password)), isKnown)
      return isRight && hashed !== null
    },
    isOutdated: hashed => !hashed.startsWith(prefix),
  })
}

/** One letter can be written in two ways, by the keyboard that was at hand. */
function normalise(password: string): string {
  return password.normalize('NFC')
}

/** What is wrong with a new password, as a sentence that does not tell it; null when all is well. */
export function passwordFault(password: string, userName: string | null = null): string | null {
  const length = [...password].length
  if (length < limits.passwordCharsMin) {
    return `The password has ${length} characters; it takes at least ${limits.passwordCharsMin}.`
  }
  if (password.length > limits.passwordCharsMax) {
    return `The password has ${password.length} characters; it takes up to ${limits.passwordCharsMax}.`
  }
  if (userName !== null && password.toLowerCase() === userName.toLowerCase()) {
    return 'The password is the name of the user; choose another.'
  }
  if (new Set(password.toLowerCase()).size < 3)
    return 'The password has fewer than three different characters; choose another.'
  return null
}

interface Slots {
  run<Result>(work: () => Promise<Result>, isFirst: boolean): Promise<Result>
}

function createSlots(): Slots {
  let running = 0
  let turns = 0
  const first: (() => void)[] = []
  const others: (() => void)[] = []

  async function run<Result>(work: () => Promise<Result>, isFirst: boolean): Promise<Result> {
    if (running >= atOnceMax) {
      const line = isFirst ? first : others
      if (line.length >= waitingMax) {
        throw new Problem('overloaded', 'Too many logins are being checked; try again in a moment.')
      }
      // Whoever leaves a slot hands it on, so that nobody who comes just then takes it.
      await new Promise<void>(resolve => line.push(resolve))
    } else running += 1
    try {
      return await work()
    } finally {
      turns += 1
      // Those who are known must not keep everybody else out, either.
      const next = turns % 4 === 0 ? (others.shift() ?? first.shift()) : (first.shift() ?? others.shift())
      if (next === undefined) running -= 1
      else next()
    }
  }

  return { run }
}

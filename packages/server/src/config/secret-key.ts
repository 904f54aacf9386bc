/** 256 bits, what HS256 signs with. */
const secretBytesMin = 32

/** Keys that stand in tutorials and templates; what is shorter than 32 bytes is refused for that alone. */
const wellKnown: ReadonlySet<string> = new Set([
  // FastAPI's tutorial on OAuth2 with JWT.
  '09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7',
  // jwt.io.
  'a-string-secret-at-least-256-bits-long',
])

/** Words of placeholders: a key made by chance holds none of them. */
const placeholder =
  /change.?(?:me|it|this)|secret|password|example|replace.?me|your[-_ ]|insecure|placeholder|tasklane/i

/** What is wrong with a key, as the end of a sentence; null where it will do. */
export function weaknessOf(key: string): string | null {
  const bytes = Buffer.byteLength(key)
  if (wellKnown.has(key)) return 'is one that stands in a tutorial, which everybody knows'
  if (bytes < secretBytesMin) return `has ${bytes} bytes; ${secretBytesMin} are the least`
  if (placeholder.test(key)) return 'reads like the placeholder of a template'
  if (isRepetition(key)) return 'repeats itself'
  return null
}

export const howToMakeKey = 'Make one with `openssl rand -hex 32` and keep it, for instance in .env or SECRET_KEY_FILE.'

/** Few different characters, or a short piece again and again. */
function isRepetition(key: string): boolean {
  if (new Set(key).size < 8) return true
  for (let length = 1; length <= key.length / 2 && length <= 20; length += 1) {
    if (
      key ===
      key
        .slice(0, length)
        .repeat(Math.ceil(key.length / length))
        .slice(0, key.length)
    )
      return true
  }
  return false
}

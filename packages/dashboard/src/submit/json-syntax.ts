/** Where a text stops being JSON, counted as people do. */
export interface SyntaxFault {
  readonly line: number
  readonly column: number
  readonly detail: string
}

/**
 * The first fault of a text that should be JSON, or null. Browsers say it each in another way, and some say no place.
 */
export function findSyntaxFault(text: string): SyntaxFault | null {
  try {
    JSON.parse(text)
    return null
  } catch {
    const at = new Reader(text).findFault()
    const before = text.slice(0, at.index)
    const line = before.split('\n').length
    return { line, column: at.index - before.lastIndexOf('\n'), detail: at.detail }
  }
}

interface Place {
  readonly index: number
  readonly detail: string
}

class Fault extends Error {
  readonly place: Place
  constructor(place: Place) {
    super(place.detail)
    this.place = place
  }
}

const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const word = /[A-Za-z_$][\w$]*/y

/** Reads only to find out where it goes wrong; the browser's own parser makes the value. */
class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  findFault(): Place {
    try {
      this.#value(0)
      this.#space()
      if (this.#at < this.#text.length) this.#refuse('Nothing may follow the value')
    } catch (error) {
      if (error instanceof Fault) return error.place
      throw error
    }
    return { index: this.#at, detail: 'This is not JSON' }
  }

  #refuse(detail: string, index = this.#at): never {
    throw new Fault({ index, detail })
  }

  #space(): void {
    while (/[ \t\n\r]/.test(this.#text.charAt(this.#at))) this.#at += 1
  }

  #value(depth: number): void {
    this.#space()
    const first = this.#text.charAt(this.#at)
    if (first === '') this.#refuse('A value is missing here: the text ends')
    // As deep as the scheduler takes it, with some to spare; the stack of this reader is bounded, too.
    if (depth > 200) this.#refuse('It is nested too deeply')
    if (first === '{') this.#members(depth)
    else if (first === '[') this.#elements(depth)
    else if (first === '"') this.#string()
    else this.#scalar()
  }

  #scalar(): void {
    const from = this.#at
    word.lastIndex = from
    const name = word.exec(this.#text)?.[0]
    if (name === 'true' || name === 'false' || name === 'null') {
      this.#at += name.length
      return
    }
    if (name !== undefined) this.#refuse(`A text needs double quotes: "${name.slice(0, 40)}"`)
    number.lastIndex = from
    const digits = number.exec(this.#text)?.[0]
    if (digits === undefined) {
      const found = this.#text.charAt(from)
      this.#refuse(
        found === "'" ? 'Texts stand in double quotes, not single ones' : `A value is missing before ${found}`,
      )
    }
    this.#at += digits.length
    if (/[\d.]/.test(this.#text.charAt(this.#at))) this.#refuse('This is not a number in JSON', from)
  }

  #string(): void {
    const from = this.#at
    for (this.#at += 1; ; this.#at += 1) {
      const letter = this.#text.charAt(this.#at)
      if (letter === '') this.#refuse('This text has no closing quote', from)
      if (letter === '"') break
      if (letter < ' ') this.#refuse('A line break in a text is written \\n, a tab \\t')
      if (letter !== '\\') continue
      this.#at += 1
      const escaped = this.#text.slice(this.#at, this.#at + 5)
      if (/^u[0-9a-fA-F]{4}/.test(escaped)) this.#at += 4
      else if (!/^["\\/bfnrt]/.test(escaped)) this.#refuse('A backslash is written \\\\', this.#at - 1)
    }
    this.#at += 1
  }

  #elements(depth: number): void {
    this.#at += 1
    this.#space()
    if (this.#eats(']')) return
    for (;;) {
      this.#value(depth + 1)
      this.#space()
      if (this.#eats(']')) return
      if (!this.#eats(',')) this.#refuse('Between two entries a comma is missing, or ] at the end')
      this.#space()
      if (this.#text.charAt(this.#at) === ']') this.#refuse('After the last entry there is no comma', this.#at)
    }
  }

  #members(depth: number): void {
    this.#at += 1
    this.#space()
    if (this.#eats('}')) return
    for (;;) {
      this.#space()
      if (this.#text.charAt(this.#at) !== '"') this.#refuse('A name in double quotes is expected here')
      this.#string()
      this.#space()
      if (!this.#eats(':')) this.#refuse('After a name a colon is expected')
      this.#value(depth + 1)
      this.#space()
      if (this.#eats('}')) return
      if (!this.#eats(',')) this.#refuse('Between two members a comma is missing, or } at the end')
      this.#space()
      if (this.#text.charAt(this.#at) === '}') this.#refuse('After the last member there is no comma')
    }
  }

  #eats(mark: string): boolean {
    if (this.#text.charAt(this.#at) !== mark) return false
    this.#at += 1
    return true
  }
}

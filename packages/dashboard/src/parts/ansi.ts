/** A piece of a line that looks alike, with the classes it is drawn with. */
export interface AnsiPiece {
  readonly text: string
  readonly look: string
}

const names = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'] as const
const esc = String.fromCharCode(27)
const sequence = new RegExp(
  `${esc}(?:\\[([0-9;:]*)([@-~])|\\][^\\u0007${esc}]*(?:\\u0007|${esc}\\\\)?|[@-Z\\\\-_])`,
  'g',
)

interface Look {
  colour: string
  ground: string
  marks: Set<string>
}

/**
 * What a terminal would colour, as pieces of text with classes. Colours become the nearest of eight, which each theme
 * draws with enough contrast; all that is no colour (cursors, titles, links) is left out.
 */
export function readAnsi(line: string): readonly AnsiPiece[] {
  if (!line.includes(esc)) return [{ text: line, look: '' }]
  const pieces: AnsiPiece[] = []
  const look: Look = { colour: '', ground: '', marks: new Set() }
  let at = 0
  const take = (to: number) => {
    if (to > at) pieces.push({ text: line.slice(at, to), look: classesOf(look) })
  }
  for (const match of line.matchAll(sequence)) {
    take(match.index)
    at = match.index + match[0].length
    if (match[2] === 'm') apply(look, match[1] ?? '')
  }
  take(line.length)
  return pieces
}

/** The same line without any of it. */
export function plainText(line: string): string {
  return line.includes(esc) ? line.replace(sequence, '') : line
}

function classesOf({ colour, ground, marks }: Look): string {
  const classes = [...marks].map(mark => `ansi-${mark}`)
  if (colour !== '') classes.push(`ansi-${colour}`)
  if (ground !== '') classes.push(`ansi-on-${ground}`)
  return classes.join(' ')
}

const marksOf: Readonly<Record<number, string>> = {
  1: 'bold',
  2: 'dim',
  3: 'italic',
  4: 'under',
  7: 'inverse',
  9: 'struck',
}

function apply(look: Look, text: string): void {
  const codes = text.split(/[;:]/).map(Number)
  for (let at = 0; at < codes.length; at += 1) {
    const code = codes[at] ?? 0
    if (code === 38 || code === 48) {
      const { colour, used } = extended(codes.slice(at + 1))
      if (code === 38) look.colour = colour
      else look.ground = colour
      at += used
    } else applyOne(look, code)
  }
}

function applyOne(look: Look, code: number): void {
  const mark = marksOf[code]
  if (mark !== undefined) look.marks.add(mark)
  else if (code === 0) {
    look.colour = ''
    look.ground = ''
    look.marks.clear()
  } else if (code === 22) {
    look.marks.delete('bold')
    look.marks.delete('dim')
  } else if (code > 22 && code < 30) look.marks.delete(marksOf[code - 20] ?? '')
  else if (code === 39) look.colour = ''
  else if (code === 49) look.ground = ''
  else if ((code >= 30 && code < 38) || (code >= 90 && code < 98)) look.colour = names[code % 10] ?? ''
  else if ((code >= 40 && code < 48) || (code >= 100 && code < 108)) look.ground = names[code % 10] ?? ''
}

/** `5;n` is one of 256, `2;r;g;b` any. */
function extended(codes: readonly number[]): { readonly colour: string; readonly used: number } {
  const [kind, one = 0, two = 0, three = 0] = codes
  if (kind === 2) return { colour: nearest(one, two, three), used: 4 }
  if (kind !== 5) return { colour: '', used: 0 }
  if (one < 16) return { colour: names[one % 8] ?? '', used: 2 }
  if (one >= 232) return { colour: nearest((one - 232) * 10 + 8, (one - 232) * 10 + 8, (one - 232) * 10 + 8), used: 2 }
  const cube = one - 16
  const level = (n: number) => (n % 6) * 51
  return { colour: nearest(level(Math.floor(cube / 36)), level(Math.floor(cube / 6)), level(cube)), used: 2 }
}

function nearest(red: number, green: number, blue: number): string {
  const top = Math.max(red, green, blue)
  if (top < 64) return 'black'
  const bit = (value: number) => (value > top * 0.6 ? 1 : 0)
  return names[bit(red) + 2 * bit(green) + 4 * bit(blue)] ?? ''
}

import { styleText } from 'node:util'

export type Colour = 'red' | 'green' | 'yellow' | 'blue' | 'magenta' | 'cyan' | 'gray' | 'bold' | 'dim'
export type Paint = (colour: Colour, text: string) => string

/**
 * Colours for one stream: on a terminal, unless NO_COLOR is set or TERM is dumb. FORCE_COLOR wins over the lack of a
 * terminal, as the convention has it.
 */
export function createPaint(
  stream: { readonly isTTY?: boolean },
  env: Readonly<Record<string, string | undefined>>,
): Paint {
  const isWanted = hasColours(stream, env)
  return (colour, text) => (isWanted && text !== '' ? styleText(colour, text, { validateStream: false }) : text)
}

function hasColours(stream: { readonly isTTY?: boolean }, env: Readonly<Record<string, string | undefined>>): boolean {
  if (isSet(env.NO_COLOR)) return false
  if (isSet(env.FORCE_COLOR)) return env.FORCE_COLOR !== '0'
  return stream.isTTY === true && env.TERM !== 'dumb'
}

function isSet(value: string | undefined): value is string {
  return value !== undefined && value !== ''
}

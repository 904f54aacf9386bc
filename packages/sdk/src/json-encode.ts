import { describeJsonFault, findUnstorable, limits } from '@tasklane/protocol'

export type Encoded = { readonly text: string } | { readonly fault: string }

/**
 * Turns a payload or a result into the JSON text that travels, or says in a sentence why no store could keep it.
 * The text is made once and spliced into the request as it is.
 *
 * @param noun what it is called in the sentence
 */
export function encodeJson(value: unknown, noun: 'payload' | 'result'): Encoded {
  if (value === undefined || value === null) return nullText
  let text: string | undefined
  try {
    // A function or a symbol has no JSON at all: then stringify returns undefined, whatever its type says.
    text = JSON.stringify(value) as string | undefined
  } catch (error) {
    return { fault: `The ${noun} is not JSON: ${describeThrown(error)}.` }
  }
  if (text === undefined) return { fault: `The ${noun} is a ${typeof value}, which JSON cannot hold.` }
  const bytesMax = noun === 'payload' ? limits.payloadBytesMax : limits.resultBytesMax
  // A UTF-16 unit is at most three bytes, so short texts need no count.
  if (text.length * 3 > bytesMax) {
    const bytes = Buffer.byteLength(text)
    if (bytes > bytesMax) {
      return {
        fault: `The ${noun} has ${bytes} bytes as JSON and may have ${bytesMax}; keep it elsewhere and send its address.`,
      }
    }
  }
  const unstorable = findUnstorable(text)
  if (unstorable !== null) return { fault: `The ${noun} cannot be kept. ${describeJsonFault(unstorable)}` }
  return { text }
}

const nullText: Encoded = Object.freeze({ text: 'null' })

/**
 * Makes any text fit to be kept: U+0000 and halves of surrogate pairs become U+FFFD, and it ends at `charsMax`. For
 * messages, where a mended text is better than a refused request.
 */
export function storableText(text: string, charsMax: number): string {
  return text.slice(0, charsMax).replace(unstorableChars, '\ufffd')
}

const unstorableChars = /\p{Surrogate}|\u0000/gu

/** A `toJSON` or a getter of the value may have thrown anything. */
function describeThrown(error: unknown): string {
  const told = error instanceof Error ? error.message : error
  return typeof told === 'string' ? firstLine(told) : 'something in it throws when it is read'
}

function firstLine(text: string): string {
  const end = text.indexOf('\n')
  return (end === -1 ? text : text.slice(0, end)).replace(/\.$/, '')
}

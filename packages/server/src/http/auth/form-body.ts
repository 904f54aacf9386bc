import type { FastifyInstance } from 'fastify'
import { Problem } from '../../core/problem.ts'

const formType = 'application/x-www-form-urlencoded'
const formBytesMax = 16_384
const formFieldsMax = 32

/** Forms are read where a route asks for them only: a page of another site can send one without asking. */
export function addFormParser(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(formType, { parseAs: 'string', bodyLimit: formBytesMax }, (_request, body, done) => {
    try {
      done(null, readForm(String(body)))
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)))
    }
  })
  app.addContentTypeParser('*', (request, _payload, done) => {
    if (request.headers['content-length'] === '0') done(null, undefined)
    else done(new Problem('media_type_unsupported', `This call takes a form; send \`Content-Type: ${formType}\`.`))
  })
}

/** Values are never told in a refusal: one of them is a password. */
export function readForm(text: string): Readonly<Record<string, string>> {
  const parts = text.split('&').filter(part => part !== '')
  if (parts.length > formFieldsMax) {
    throw new Problem('request_invalid', `The form has more than ${formFieldsMax} fields.`)
  }
  const form: Record<string, string> = Object.create(null)
  for (const part of parts) {
    const at = part.indexOf('=')
    const name = decode(at === -1 ? part : part.slice(0, at))
    const value = decode(at === -1 ? '' : part.slice(at + 1))
    if (form[name] !== undefined) throw new Problem('request_invalid', 'The form has a field twice; send each once.')
    form[name] = value
  }
  return form
}

function decode(text: string): string {
  try {
    const decoded = decodeURIComponent(text.replaceAll('+', ' '))
    if (!decoded.includes('\0')) return decoded
  } catch {
    // Told below, as what holds U+0000 is.
  }
  throw new Problem('request_invalid', 'The form is no valid percent-encoding of UTF-8 text.')
}

// Task types that look like a shop's backend at work: they report progress, write logs, and some of them fail.
import { setTimeout as wait } from 'node:timers/promises'
import { defineTask } from '@tasklane/sdk'

const steps = ['reading the order', 'checking the address', 'rendering', 'uploading', 'telling the others']

function work(type, seconds, odds = 0) {
  return defineTask({
    type,
    input: schemaOf(type),
    run: async (payload, ctx) => {
      const length = (payload?.seconds ?? seconds) * 1_000
      ctx.log.info(`Begin ${type} for ${payload?.customer ?? 'nobody'}`)
      for (const [index, step] of steps.entries()) {
        await wait(length / steps.length, undefined, { signal: ctx.signal })
        ctx.progress(((index + 1) / steps.length) * 100, step)
        if (index === 2) ctx.log.warn('The cache had no answer; asking the origin')
        else ctx.log.info(`${step}, done`)
      }
      if (payload?.fails === true || odds > 0) ctx.log.error('Giving up')
      if (payload?.fails === true) throw new Error(faultOf(type))
      return { type, pages: 12, bytes: 48_213, parts: ['head', 'body', 'foot'], ok: true }
    },
  })
}

function faultOf(type) {
  if (type === 'mail.send') return 'SMTP 451: mailbox of the recipient is busy, try again later'
  if (type === 'invoice.render') return 'Font "Inter Tight" is not installed on this machine'
  return 'Upstream answered 503 after 30 s'
}

/** A Standard Schema that lets everything pass and tells its JSON Schema. */
function schemaOf(type) {
  const json = {
    type: 'object',
    required: ['customer'],
    properties: {
      customer: { type: 'string', maxLength: 80, description: 'Name or number' },
      seconds: { type: 'number', minimum: 0, maximum: 600, description: 'How long the work takes' },
      format: { type: 'string', enum: ['pdf', 'html', 'text'] },
      fails: { type: 'boolean', title: 'Fail at the end' },
      tags: { type: 'array', items: { type: 'string', maxLength: 40 } },
    },
    additionalProperties: false,
    title: type,
  }
  return {
    '~standard': {
      version: 1,
      vendor: 'story',
      validate: value => ({ value }),
      jsonSchema: { input: () => json, output: () => json },
    },
  }
}

export const invoice = work('invoice.render', 3)
export const mail = work('mail.send', 1)
export const image = work('image.resize', 4)
export const report = work('report.build', 8)
export const sync = work('stock.sync', 2)

/**
 * What must not compile. Each marked line is an error now; were it to compile, the marker itself would be one.
 */
import { z } from 'zod'
import { defineTask, type TaskContext, TasklaneClient, TasklaneWorker, taskItem } from '../src/index.ts'

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function holds<Statement extends true>(): Statement | undefined {
  return undefined
}

const client = new TasklaneClient()

const resize = defineTask({
  type: 'resize',
  input: z.object({ url: z.string(), width: z.number().default(100), on: z.string().transform(on => new Date(on)) }),
  retries: 2,
  timeout: '30s',
  run: async (input, ctx) => {
    holds<Same<typeof input, { url: string; width: number; on: Date }>>()
    holds<Same<typeof ctx, TaskContext>>()
    // @ts-expect-error the schema has made a Date of it
    input.on.toUpperCase()
    return { key: input.url, at: input.on, note: undefined as string | undefined }
  },
})

const count = defineTask({ type: 'count', run: (input: { words: string[] }) => input.words.length })
const silent = defineTask({ type: 'silent', run: () => {} })
const callbacks = defineTask({ type: 'untyped', run: input => holds<Same<typeof input, unknown>>() ?? 1 })

// The payload is what the schema takes, the result is what JSON makes of what the handler returns.
export async function submits(): Promise<void> {
  const resized = await client.submit(resize, { url: 'a', on: '2030-01-01' })
  const result = await resized.result()
  holds<Same<(typeof result)['at'], string>>()
  holds<Same<(typeof result)['key'], string>>()
  // @ts-expect-error a Date has become a string on the way
  result.at.getTime()
  // @ts-expect-error no such field
  result.other
  // @ts-expect-error `on` is missing
  await client.submit(resize, { url: 'a' })
  // @ts-expect-error the schema takes a string here, and gives a Date
  await client.submit(resize, { url: 'a', on: new Date() })
  // @ts-expect-error there is a payload
  await client.submit(resize)

  const counted = await (await client.submit(count, { words: ['a'] })).result()
  holds<Same<typeof counted, number>>()
  // @ts-expect-error numbers are no words
  await client.submit(count, { words: [1] })
  const nothing = await (await client.submit(silent, null)).result()
  holds<Same<typeof nothing, null>>()

  // By name anything goes, and the result is what the caller says.
  const named = await client.submit<{ n: number }>('anything', { any: 'thing' })
  holds<Same<Awaited<ReturnType<typeof named.result>>, { n: number }>>()

  // @ts-expect-error no such option
  await client.submit(count, { words: [] }, { retires: 1 })
  // @ts-expect-error not a unit
  await client.submit(count, { words: [] }, { timeout: '5 minutes' })
  await client.submit(count, { words: [] }, { timeout: '5m', dependsOn: [resized, 'other'] })

  const [first] = await client.submitMany([{ task: count, payload: { words: [] } }])
  holds<Same<NonNullable<typeof first>['outcome'], 'created' | 'existing'>>()
  const [mixed] = await client.submitMany([{ task: 'count' }], { atomic: false })
  // @ts-expect-error it may have been refused
  await mixed?.result()
  taskItem(count, { words: [] }, { taskId: 'a' })
  // @ts-expect-error words are missing
  taskItem(count, {})
  // @ts-expect-error no state of a task
  await client.list({ status: 'done' })
}

// @ts-expect-error JSON has no bigint
defineTask({ type: 'big', run: () => 1n })
// @ts-expect-error JSON has no symbols
defineTask({ type: 'symbol', run: async () => Symbol('a') })
// @ts-expect-error a definition needs a type
defineTask({ run: () => 1 })
// @ts-expect-error the handler wants what the schema does not give
defineTask({ type: 'a', input: z.object({ x: z.number() }), run: (input: { y: string }) => input.y })

new TasklaneWorker({ tasks: [resize, count, silent, callbacks] })
// @ts-expect-error a worker runs definitions, not names
new TasklaneWorker({ tasks: ['resize'] })

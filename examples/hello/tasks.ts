// Task types of your own. Start a worker that serves them:
//   npx --no-install tasklane worker examples/hello/tasks.ts
import { defineTask, PermanentError } from '@tasklane/sdk'

export const greet = defineTask({
  type: 'greet',
  retries: 3,
  timeout: '30s',
  run: async (input: { name: string }, ctx) => {
    if (input.name === '') throw new PermanentError('A greeting needs a name.')
    ctx.log.info(`greeting ${input.name}, attempt ${ctx.attempt}`)
    ctx.progress(50, 'found the words')
    return { greeting: `Hello, ${input.name}!` }
  },
})

export const shout = defineTask({
  type: 'shout',
  run: async (_input: null, ctx) => {
    // The results of the tasks this one depends on, by their ids.
    const greetings = Object.values(ctx.parents).map(parent => (parent.result as { greeting: string }).greeting)
    return greetings.join(' ').toUpperCase()
  },
})

// Submits two greetings and a task that waits for both:
//   npx tsx examples/hello/submit.ts
import { TasklaneClient } from '@tasklane/sdk'
import { greet, shout } from './tasks.ts'

const client = new TasklaneClient()
const ada = await client.submit(greet, { name: 'Ada' })
const grace = await client.submit(greet, { name: 'Grace' }, { priority: 8 })
const both = await client.submit(shout, null, { dependsOn: [ada, grace] })

console.log(await both.result()) // HELLO, ADA! HELLO, GRACE!
await client.close()

// A worker in a process of its own, logging to stderr: its one task ends when a line comes in.
import { defineTask, TasklaneWorker } from '../src/index.ts'

const held = defineTask({
  type: 'held',
  run: () =>
    new Promise<string>(resolve => {
      process.stdin.once('data', data => {
        process.stdin.destroy()
        resolve(String(data).trim())
      })
    }),
})
const worker = new TasklaneWorker({ tasks: [held], workerId: 'w1' })
await worker.start()

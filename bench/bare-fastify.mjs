// The limit of single submits: Fastify with the same body, the same schema and a reply of the same size, which keeps
// nothing. It runs as a process of its own and is asked by the same client.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { taskSubmissionSchema } from '@tasklane/protocol'
import fastify from 'fastify'
import { singlePosts } from './cases.mjs'
import { createLoadClient } from './load-client.mjs'

/** @returns requests per second */
export async function bareFastify({ tasks, inFlight }) {
  const child = fork(fileURLToPath(import.meta.url), ['serve'])
  const [port] = await once(child, 'message')
  const client = createLoadClient({ hostname: '127.0.0.1', port }, inFlight)
  try {
    return await singlePosts(client, { tasks, inFlight })
  } finally {
    client.close()
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
}

// What the reply of a submit says beside its body, so that as many bytes travel.
const rest =
  '"priority":5,"priority_source":"default","status":"pending","worker_id":null,"dependencies":[],"timeout":300,' +
  '"max_retries":5,"attempt":0,"idempotency_key":null,"run_at":null,"started_at":null,"completed_at":null,' +
  '"result":null,"error":null,"progress":null,"labels":{},"submitted_by":null'

async function serve() {
  const app = fastify({ ajv: { customOptions: { strict: false, coerceTypes: false, removeAdditional: false } } })
  app.post('/api/tasks', { schema: { body: taskSubmissionSchema } }, (request, reply) => {
    const { task_id, task_type, payload } = request.body
    const now = new Date().toISOString()
    reply.code(201).header('content-type', 'application/json; charset=utf-8')
    return `{"task_id":"${task_id}","task_type":"${task_type}","queue":"default","name":null,"description":null,"payload":${JSON.stringify(payload)},${rest},"created_at":"${now}","trace":"${task_id}"}`
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  process.send(app.server.address().port)
}

if (process.argv[2] === 'serve' && process.send !== undefined) await serve()

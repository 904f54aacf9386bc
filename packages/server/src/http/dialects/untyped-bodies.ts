import type { onRequestHookHandler } from 'fastify'

/** A body that does not say what it is is taken for JSON here: FastAPI takes it so, and Python sends it so. */
export const takeForJson: onRequestHookHandler = (request, _reply, done) => {
  const { headers } = request
  if (headers['content-type'] === undefined) headers['content-type'] = 'application/json'
  done()
}

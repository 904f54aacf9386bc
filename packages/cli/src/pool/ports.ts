import { createServer } from 'node:net'

/** A port that was free a moment ago; null is any. Null where it is not to be had, with the reason. */
export function tryPort(host: string, port: number | null): Promise<{ port: number } | { fault: string }> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', error => {
      const code = 'code' in error ? String(error.code) : ''
      resolve({ fault: code === 'EADDRINUSE' ? 'another process listens there' : error.message })
    })
    server.listen({ host, port: port ?? 0, exclusive: true }, () => {
      const address = server.address()
      const got = typeof address === 'object' && address !== null ? address.port : 0
      server.close(() => resolve({ port: got }))
    })
  })
}

// A client that costs little, so that on two cores the server is measured and not its caller: keep-alive sockets, one
// request at a time on each, replies with a Content-Length. Used for Tasklane and for the bare server alike.
import { connect } from 'node:net'

/** @param connections how many sockets at the most, and so how many requests under way; each is opened when it is needed */
export function createLoadClient({ hostname, port }, connections) {
  const idle = []
  const waiting = []
  const all = new Set()

  function take() {
    const line = idle.pop()
    if (line !== undefined) return line
    if (all.size === connections) return new Promise(resolve => waiting.push(resolve))
    const opened = createLine(hostname, port, {
      onFree: () => {
        const next = waiting.shift()
        if (next === undefined) idle.push(opened)
        else next(opened)
      },
      onGone: () => {
        all.delete(opened)
        if (idle.includes(opened)) idle.splice(idle.indexOf(opened), 1)
      },
    })
    all.add(opened)
    return opened
  }

  return {
    /** @returns the parsed body; throws where the status is not 2xx */
    async call(method, path, body) {
      const line = await take()
      const { status, text } = await line.exchange(method, path, body === undefined ? '' : JSON.stringify(body))
      if (status < 200 || status > 299) throw new Error(`${method} ${path}: ${status} ${text.slice(0, 500)}`)
      return text === '' ? null : JSON.parse(text)
    },
    close: () => {
      for (const line of all) line.close()
    },
  }
}

function createLine(hostname, port, { onFree, onGone }) {
  const socket = connect({ host: hostname, port, noDelay: true })
  const line = { exchange, close: () => socket.destroy() }
  let pending = null
  let chunks = []
  let received = 0
  let head = null

  function exchange(method, path, body) {
    return new Promise((resolve, reject) => {
      pending = { resolve, reject }
      const type = body === '' ? '' : `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n`
      socket.write(`${method} ${path} HTTP/1.1\r\nHost: ${hostname}:${port}\r\n${type}\r\n${body}`)
    })
  }

  socket.on('data', chunk => {
    if (pending === null) return socket.destroy()
    chunks.push(chunk)
    received += chunk.length
    if (head === null) {
      const text = (chunks.length === 1 ? chunk : Buffer.concat(chunks)).toString('latin1')
      const end = text.indexOf('\r\n\r\n')
      if (end === -1) return
      const length = Number(/\r\ncontent-length: *(\d+)/i.exec(text)?.[1] ?? (text.startsWith('HTTP/1.1 204') ? 0 : -1))
      if (length < 0) return socket.destroy(new Error('The reply has no Content-Length.'))
      head = { status: Number(text.slice(9, 12)), from: end + 4, size: end + 4 + length }
    }
    if (received < head.size) return
    const text = Buffer.concat(chunks).toString('utf8', head.from, head.size)
    const { status } = head
    chunks = []
    received = 0
    head = null
    const { resolve } = pending
    pending = null
    onFree()
    resolve({ status, text })
  })
  const fail = error => pending?.reject(error ?? new Error('The server closed the connection.'))
  socket.on('error', fail)
  socket.on('close', () => {
    onGone()
    fail()
  })
  return line
}

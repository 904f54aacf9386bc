// Stands between a test run and one server that it uses. It is the server's parent, in a session of its own, and it
// reads its orders from a pipe that closes with whoever holds the other end: also after kill -9 the server is stopped
// and its folders are removed.
//
//   in   {"start": [args]} · {"signal": "SIGINT"}      the end of the input: stop, remove, exit
//   out  {"started": pid} · {"ended": code or signal}
import { spawn } from 'node:child_process'
import { openSync, rmSync } from 'node:fs'
import { createInterface } from 'node:readline'

const { command, options, logFile, stopSignal, folders } = JSON.parse(process.argv[2])
const stopMsMax = 10_000
let server = null
let isEnding = false

createInterface({ input: process.stdin }).on('line', line => {
  const order = JSON.parse(line)
  if (order.start !== undefined) start(order.start)
  else server?.kill(order.signal)
})
process.stdin.on('close', end)
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, end)
// Nobody may be listening any more.
process.stdout.on('error', () => {})

function start(args) {
  const log = openSync(logFile, 'a')
  const child = spawn(command, args, { ...options, stdio: ['ignore', log, log] })
  server = child
  let isOver = false
  const over = how => {
    if (isOver) return
    isOver = true
    if (server === child) server = null
    tell({ ended: how })
    if (isEnding) leave()
  }
  child.on('error', error => over(error.message))
  child.on('exit', (code, signal) => over(signal ?? code))
  if (child.pid !== undefined) tell({ started: child.pid })
}

function end() {
  if (isEnding) return
  isEnding = true
  if (server === null) leave()
  server.kill(stopSignal)
  setTimeout(() => server?.kill('SIGKILL'), stopMsMax)
}

function leave() {
  // What a killed server leaves behind may write for a moment still.
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
  process.exit()
}

function tell(what) {
  process.stdout.write(`${JSON.stringify(what)}\n`)
}

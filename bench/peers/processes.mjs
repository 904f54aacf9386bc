// Everything that the bench starts, and its end: each process is stopped by its own pid and each folder removed, on the
// ordinary way out, after a fault, and on Ctrl-C.
import { spawn } from 'node:child_process'
import { chownSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const owned = new Set()
const pids = new Set()
let ending = false

/** True from the first signal on: nothing is started any more. */
export function isEnding() {
  return ending
}

/** @returns a function that closes once, however often it is called; what nobody closed is closed at the end */
export function own(close) {
  let closing = null
  const closeOnce = () => {
    closing ??= Promise.resolve(close()).finally(() => owned.delete(closeOnce))
    return closing
  }
  owned.add(closeOnce)
  // It was being opened when the signal came.
  if (ending) void closeOnce()
  return closeOnce
}

export async function closeAll() {
  // Last opened, first closed: a client goes before its server.
  for (const close of [...owned].reverse()) await close().catch(error => console.error(error.message))
}

export function closeOnSignals() {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ]) {
    process.once(signal, () => {
      ending = true
      console.error(`\n${signal}: stopping the servers that were started.`)
      void closeAll().finally(() => process.exit(code))
    })
  }
  // The last resort, after a second Ctrl-C or a crash of the bench.
  process.on('exit', () => {
    for (const pid of pids) kill(-pid, 'SIGKILL')
  })
}

/**
 * Starts a process in a group of its own, so that Ctrl-C in the terminal does not reach it before we stop it in order.
 * @param options those of `spawn`, and `stopSignal`
 * @returns the child, `line(text)`, which waits until its output has that text, `ended`, which rejects when it ends by
 * itself and settles in no other way, and `close`
 */
export function startProcess(command, args, { stopSignal = 'SIGTERM', ...options } = {}) {
  refuseWhenEnding()
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options, detached: true })
  if (child.pid !== undefined) pids.add(child.pid)
  let output = ''
  let isClosing = false
  const exited = new Promise(resolve => {
    child.once('error', resolve)
    child.once('exit', resolve)
  }).then(() => pids.delete(child.pid))
  const saying = why => new Error(`${command} ${why}${output === '' ? '' : `:\n${output.trim().slice(-2_000)}`}`)
  const ended = exited.then(() => {
    if (!isClosing) throw saying('ended before it was stopped')
    return new Promise(() => {})
  })
  // Whoever waits for something of this process races it with its end; nobody may be waiting just then.
  ended.catch(() => {})
  const listeners = new Set()
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', chunk => {
      output = (output + chunk).slice(-20_000)
      for (const listen of listeners) listen()
    })
  }
  const seen = text =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(saying(`did not say '${text}' within a minute`)), 60_000)
      const look = () => {
        if (!output.includes(text)) return
        listeners.delete(look)
        clearTimeout(timer)
        resolve()
      }
      listeners.add(look)
      void exited.then(() => clearTimeout(timer))
      look()
    })
  return {
    child,
    ended,
    line: text => Promise.race([ended, seen(text)]),
    close: own(async () => {
      isClosing = true
      if (!pids.has(child.pid)) return
      kill(child.pid, stopSignal)
      const late = setTimeout(() => kill(-child.pid, 'SIGKILL'), 20_000)
      await exited
      clearTimeout(late)
    }),
  }
}

/** @param owner `{ uid, gid }` of the user whose server will write there, or null */
export function temporaryFolder(owner) {
  refuseWhenEnding()
  const folder = mkdtempSync(join(tmpdir(), 'tasklane-peer-'))
  if (owner !== null) chownSync(folder, owner.uid, owner.gid)
  return { folder, close: own(async () => rmSync(folder, { recursive: true, force: true })) }
}

/**
 * A port below those that the system lends to outgoing connections: a server may take seconds until it listens, and one
 * of those could be lent to somebody meanwhile.
 */
export async function freePort() {
  for (let tries = 0; tries < 50; tries += 1) {
    const port = 20_000 + Math.floor(Math.random() * 12_000)
    if (await isFree(port)) return port
  }
  throw new Error('No free port was found between 20000 and 32000.')
}

function isFree(port) {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

/** Asks every few milliseconds until the answer is yes; the deadline keeps a lost task from hanging the bench. */
export async function until(isDone, what, deadlineMs = 300_000, everyMs = 10) {
  const endsAt = performance.now() + deadlineMs
  while (!(await isDone())) {
    if (performance.now() > endsAt)
      throw new Error(
        `Waited ${Math.round(deadlineMs / 1_000)} s in vain for ${typeof what === 'string' ? what : what()}.`,
      )
    await new Promise(resume => setTimeout(resume, everyMs))
  }
}

function refuseWhenEnding() {
  if (ending) throw new Error('The bench is ending.')
}

/** @param pid a process, or minus the group */
function kill(pid, signal) {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (error.code !== 'ESRCH') throw error
  }
}

// One node under measurement: a real scheduler process, real worker processes, on a folder and a port of their own.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createLoadClient } from './load-client.mjs'

const command = resolve(import.meta.dirname, '../packages/cli/bin/tasklane.js')
const connections = 64

/**
 * @param profile a folder for a CPU profile of each process, or undefined
 * @param databaseUrl of an empty PostgreSQL database; without it the store is a SQLite file
 * @param nodes schedulers on that database; the producer and the worker know all of them
 */
export async function createNode({ profile, databaseUrl, nodes = 1 } = {}) {
  const profiling = profile === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', profile]
  const folder = mkdtempSync(join(tmpdir(), 'tasklane-bench-'))
  const children = []
  const start = (args, env = {}) => {
    const child = spawn(process.execPath, [...profiling, command, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...env },
    })
    children.push(child)
    return child
  }
  const store = databaseUrl === undefined ? ['--data', join(folder, 'bench.db')] : []
  const env = databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl }
  const urls = []
  for (let node = 0; node < nodes; node += 1) {
    const scheduler = start(['serve', '--port', '0', '--json', ...store], { LOG_LEVEL: 'error', ...env })
    urls.push(new URL(JSON.parse(await firstLine(scheduler)).url))
  }
  const [url] = urls
  const clients = urls.map(each => createLoadClient(each, connections))
  let turn = 0
  // One after another: what is asked of several nodes is spread evenly.
  const call = (...args) => clients[turn++ % clients.length].call(...args)
  return {
    call,
    /** Of the first scheduler. */
    pid: children[0].pid,
    url: urls.map(each => each.href.replace(/\/$/, '')).join(','),
    /** Starts the command's own worker, which serves the type `noop`; resolves when it is registered. */
    worker: async (slots = 1_000) => {
      // One for each node, so that every node hands out.
      const started = urls.map((each, at) =>
        start([
          ...['worker', '--url', each.href, '--worker-id', `bench-${at}`, '--concurrency', String(slots), '--json'],
          ...['--capabilities', 'noop'],
        ]),
      )
      const isThere = async () => (await call('GET', '/api/workers')).workers.length === urls.length
      await Promise.race([until(isThere), ...started.map(failed)])
    },
    finished: count => until(async () => (await call('GET', '/api/stats')).tasks.completed >= count),
    /** Resident memory of the scheduler, in bytes, as it tells itself. */
    memory: async () => {
      const reply = await fetch(new URL('/metrics', url))
      return Number(/^process_resident_memory_bytes (\S+)$/m.exec(await reply.text())[1])
    },
    close: async () => {
      for (const client of clients) client.close()
      for (const child of children.reverse()) {
        if (child.exitCode !== null || child.signalCode !== null) continue
        child.kill('SIGTERM')
        await once(child, 'exit')
      }
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function firstLine(child) {
  const [line] = await Promise.race([once(child.stdout, 'data'), failed(child)])
  return String(line)
}

function failed(child) {
  return once(child, 'exit').then(([code, signal]) => {
    throw new Error(`'${child.spawnargs.slice(2, 4).join(' ')}' ended with ${code ?? signal} before it was up.`)
  })
}

/** Polls often enough to cost little and to be late by little. */
export async function until(isDone, deadlineMs = 600_000) {
  const endsAt = performance.now() + deadlineMs
  while (!(await isDone())) {
    if (performance.now() > endsAt) throw new Error('The bench waited ten minutes in vain.')
    await new Promise(resume => setTimeout(resume, 10))
  }
}

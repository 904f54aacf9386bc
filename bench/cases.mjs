// A real scheduler process, a real worker process, and this process as the producer, over keep-alive HTTP on loopback.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import http from 'node:http'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createUuidV7 } from '@tasklane/protocol'

const command = resolve(import.meta.dirname, '../packages/cli/bin/tasklane.js')
const nextId = createUuidV7(
  () => Date.now(),
  bytes => crypto.getRandomValues(bytes),
)

/** @param profile a folder for a CPU profile of each process, or undefined */
export async function createNode(profile) {
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
  const scheduler = start(['serve', '--port', '0', '--json', '--data', join(folder, 'bench.db')], {
    LOG_LEVEL: 'error',
  })
  const [line] = await once(scheduler.stdout, 'data')
  const url = new URL(JSON.parse(String(line)).url)
  const agent = new http.Agent({ keepAlive: true, maxSockets: 128 })
  const call = (method, path, body) => send(agent, url, method, path, body)
  return {
    call,
    url: url.href.replace(/\/$/, ''),
    worker: async (slots = 1_000) => {
      start([
        'worker',
        '--url',
        url.href,
        '--worker-id',
        'bench',
        '--concurrency',
        String(slots),
        '--capabilities',
        'noop',
        '--json',
      ])
      await until(async () => (await call('GET', '/api/workers')).workers.length === 1)
    },
    finished: async count => until(async () => (await call('GET', '/api/stats')).tasks.completed >= count),
    close: async () => {
      agent.destroy()
      for (const child of children.reverse()) {
        if (child.exitCode !== null) continue
        child.kill('SIGTERM')
        await once(child, 'exit')
      }
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export async function submitOnly(node, { tasks, batch, inFlight }) {
  const began = performance.now()
  await submitBatches(node, tasks, batch, inFlight)
  return tasks / seconds(began)
}

export async function endToEnd(node, { tasks, batch }) {
  await node.worker()
  const began = performance.now()
  await submitBatches(node, tasks, batch, 2)
  await node.finished(tasks)
  return tasks / seconds(began)
}

export async function drain(node, { tasks, batch }) {
  await node.call('PATCH', '/api/queues/default', { paused: true })
  await node.worker()
  await submitBatches(node, tasks, batch, 2)
  const began = performance.now()
  await node.call('PATCH', '/api/queues/default', { paused: false })
  await node.finished(tasks)
  return tasks / seconds(began)
}

export async function singlePosts(node, { tasks, inFlight }) {
  let left = tasks
  const began = performance.now()
  const lane = async () => {
    while (left > 0) {
      left -= 1
      await node.call('POST', '/api/tasks', { task_id: nextId(), task_type: 'noop', payload: { n: left } })
    }
  }
  await Promise.all(Array.from({ length: inFlight }, lane))
  return tasks / seconds(began)
}

async function submitBatches(node, tasks, batch, inFlight) {
  let left = tasks
  const lane = async () => {
    while (left > 0) {
      const size = Math.min(batch, left)
      left -= size
      const list = Array.from({ length: size }, (_, n) => ({ task_id: nextId(), task_type: 'noop', payload: { n } }))
      await node.call('POST', '/api/tasks/batch', { tasks: list })
    }
  }
  await Promise.all(Array.from({ length: inFlight }, lane))
}

function send(agent, url, method, path, body) {
  return new Promise((resolveCall, reject) => {
    const text = body === undefined ? null : JSON.stringify(body)
    const headers =
      text === null ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }
    const request = http.request({ agent, host: url.hostname, port: url.port, method, path, headers }, reply => {
      const chunks = []
      reply.on('data', chunk => chunks.push(chunk))
      reply.on('end', () => {
        const answer = Buffer.concat(chunks).toString()
        if (reply.statusCode >= 300) reject(new Error(`${method} ${path}: ${reply.statusCode} ${answer}`))
        else resolveCall(JSON.parse(answer))
      })
    })
    request.on('error', reject)
    request.end(text)
  })
}

/** Polls often enough to cost little and to be late by little. */
async function until(isDone, deadlineMs = 300_000) {
  const endsAt = performance.now() + deadlineMs
  while (!(await isDone())) {
    if (performance.now() > endsAt) throw new Error('The bench waited five minutes in vain.')
    await new Promise(resume => setTimeout(resume, 10))
  }
}

function seconds(beganMs) {
  return (performance.now() - beganMs) / 1_000
}

export function median(sorted) {
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

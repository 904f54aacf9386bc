import { reachableAddress } from '../connection.ts'

/** What a worker says of itself at its own /health. */
export interface WorkerHealth {
  readonly status: 'starting' | 'ok' | 'disconnected' | 'stopping'
  readonly slots: number
  readonly slotsUsed: number
}

/** Loopback, and a small reply: a worker that needs longer is busy with something else. */
const patienceMs = 2_500

/** Null where nobody answers, or somebody else does. */
export async function askHealth(host: string, port: number, workerId: string): Promise<WorkerHealth | null> {
  const url = reachableAddress(`http://${host.includes(':') ? `[${host}]` : host}:${port}`)
  try {
    const reply = await fetch(`${url}/health`, { signal: AbortSignal.timeout(patienceMs), redirect: 'error' })
    return parseHealth(await reply.json(), workerId)
  } catch {
    return null
  }
}

export function parseHealth(body: unknown, workerId: string): WorkerHealth | null {
  if (typeof body !== 'object' || body === null || !('worker_id' in body) || body.worker_id !== workerId) return null
  const { status, slots, slots_used: slotsUsed }: Record<string, unknown> = { ...body }
  if (typeof slots !== 'number' || typeof slotsUsed !== 'number') return null
  const known = (['starting', 'ok', 'disconnected', 'stopping'] as const).find(each => each === status)
  // Before it starts and after it has stopped it is 'idle' and 'stopped'.
  return { status: known ?? (status === 'idle' ? 'starting' : 'stopping'), slots, slotsUsed }
}

import { createUuidV7 } from '@tasklane/protocol'
import { digestOf } from './http/auth/session-tokens.ts'
import type { AccountStore } from './ports/accounts.ts'
import type { Clock } from './ports/clock.ts'
import type { Log } from './ports/log.ts'

const tokenName = 'workers'
/** Nodes that start at once may undo each other's step once. */
const triesMax = 3

/**
 * The token that all workers share, there from the start, so that a whole installation can be described in one place. Another
 * secret replaces the one before. One that was revoked stays so.
 */
export async function ensureWorkerToken(
  accounts: AccountStore,
  secret: string | null,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Promise<void> {
  if (secret === null) return
  const hash = digestOf(secret)
  const newId = createUuidV7(clock.now, clock.fillRandom)
  for (let tries = 0; tries < triesMax; tries += 1) {
    const known = await accounts.tokenByHash(hash)
    if (known !== null) {
      if (known.revokedAtMs !== null) {
        log.warn({}, 'TASKLANE_WORKER_TOKEN was revoked: workers that send it are refused. Set another one.')
      }
      return
    }
    const draft = { id: newId(), name: tokenName, hash, role: 'worker', queues: null, types: null } as const
    if ((await accounts.createToken({ ...draft, createdBy: null, lastsMs: null })) !== null) return
    // By its id: another node may have replaced it meanwhile, and then it is not the name that has to go.
    const before = (await accounts.tokens()).find(one => one.name === tokenName && one.revokedAtMs === null)
    if (before !== undefined && before.hash !== hash) await accounts.revokeToken(before.id)
  }
  log.warn({}, `TASKLANE_WORKER_TOKEN could not be kept: another node keeps another one under the name '${tokenName}'.`)
}

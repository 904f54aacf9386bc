import type { WorkerLogger } from '../log.ts'

const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const
type SignalName = keyof typeof exitCodes

/**
 * The first SIGTERM or SIGINT asks for a stop, the second ends the process at once.
 * @returns takes the listeners off again
 */
export function listenForSignals(logger: WorkerLogger, onFirst: (signal: SignalName) => void): () => void {
  let hasCome = false
  const listen = (signal: SignalName): void => {
    if (hasCome) {
      logger.error({ signal }, `A second ${signal}: the process ends now, what still runs is given to others later.`)
      process.exit(exitCodes[signal])
    }
    hasCome = true
    onFirst(signal)
  }
  process.on('SIGTERM', listen)
  process.on('SIGINT', listen)
  return () => {
    process.off('SIGTERM', listen)
    process.off('SIGINT', listen)
  }
}

import type { Broker } from '../../ports/broker.ts'

/** One node has nobody to tell. */
export function createLocalBroker(): Broker {
  return Object.freeze<Broker>({
    publish: () => {},
    listen: () => () => {},
    status: () => 'connected',
    countNodes: async () => 1,
    close: async () => {},
  })
}

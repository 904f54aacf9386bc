import type { Store } from '../../src/ports/store.ts'
import { createRandom } from '../support/virtual-clock.ts'

/**
 * Several stores on one database as one store: each call goes to one of them by chance, the same in every run of a life.
 * So what one node wrote is what another has to go on with, and what it has learned itself may be of yesterday.
 */
export function takingTurns(nodes: readonly Store[]): Store {
  const random = createRandom(1)
  const nodeOf = (): Store => {
    const node = nodes[Math.floor(random() * nodes.length)]
    if (node === undefined) throw new Error('Somebody has to take the first turn.')
    return node
  }
  const close = async (): Promise<void> => {
    await Promise.all(nodes.map(node => node.close()))
  }
  // A copy: what a proxy tells of a frozen object has to be that object's own.
  return new Proxy({ ...nodeOf() }, { get: (_, name) => (name === 'close' ? close : Reflect.get(nodeOf(), name)) })
}

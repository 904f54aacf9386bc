import { createFloors, type Floors } from './floors.ts'
import { createLanes, type Lanes } from './lanes.ts'

/**
 * What this node has learned, and of which server. It holds for one history: a replica that became the primary without the
 * last commits gives the numbers of lanes again, to others. So each transaction is told by the statement that reads the
 * time which server it is at; where that is another one than before, or the same after a restart, the transaction is
 * undone, everything is learned anew, and it is run again (session.ts).
 */
export interface Known {
  /** The server, by the moment it was started; null until the first transaction has asked. */
  readonly server: number | null
  readonly lanes: Lanes
  readonly floors: Floors
}

export function createKnown(server: number | null): Known {
  return { server, lanes: createLanes(), floors: createFloors() }
}

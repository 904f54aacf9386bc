import { createFloors, type Floors } from './floors.ts'
import { createLanes, type Lanes } from './lanes.ts'

/**
 * What this node has learned, and of which server. It holds for one history: a replica that became the primary without the
 * last commits gives the numbers of lanes again, to others. So each transaction is told by the statement that reads the
 * time where it is; at another server than before, the same one after a restart, or tables that were made anew, the
 * transaction is undone, everything is learned anew, and it is run again (session.ts).
 */
export interface Known {
  /** The server by the moment it was started, and the tables; null until the first transaction has asked. */
  readonly place: string | null
  readonly lanes: Lanes
  readonly floors: Floors
}

export function createKnown(place: string | null): Known {
  return { place, lanes: createLanes(), floors: createFloors() }
}

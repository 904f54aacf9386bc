import { type Principal, seesOwnTasksOnly } from '../../core/access.ts'
import type { Engine } from '../../engine/engine.ts'
import { limitedTo } from '../../engine/limited.ts'
import { ownTasksOnly } from '../../engine/own-tasks.ts'
import type { Clock } from '../../ports/clock.ts'

/** The engine as each caller sees it; made once for each principal, which lives as long as its record at hand. */
export function createEngineViews(engine: Engine, clock: Clock): (principal: Principal) => Engine {
  const views = new WeakMap<Principal, Engine>()
  return principal => {
    const known = views.get(principal)
    if (known !== undefined) return known
    const view = viewOf(principal)
    views.set(principal, view)
    return view
  }

  function viewOf(principal: Principal): Engine {
    const { name, role, queues, types } = principal
    let view = engine
    if (seesOwnTasksOnly(principal)) {
      if (name === null) throw new Error('Assertion failed: who sees only its own tasks has a name')
      view = ownTasksOnly(view, name)
    }
    if (queues !== null || types !== null || role === 'worker') {
      view = limitedTo(view, { queues, types, isWorker: role === 'worker' }, clock)
    }
    return view
  }
}

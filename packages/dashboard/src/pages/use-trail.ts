import { useEffect, useRef, useState } from 'react'

const trailMax = 60

/**
 * The latest values of several things by name, as this page has seen them: enough for a sparkline of what the scheduler
 * keeps no history of.
 */
export function useTrail(values: ReadonlyMap<string, number>, seenAt: number): ReadonlyMap<string, readonly number[]> {
  const [trail, setTrail] = useState<ReadonlyMap<string, readonly number[]>>(new Map())
  const latest = useRef(values)
  latest.current = values
  useEffect(() => {
    if (seenAt === 0) return
    setTrail(old => {
      const next = new Map<string, readonly number[]>()
      for (const [name, value] of latest.current) next.set(name, [...(old.get(name) ?? []).slice(1 - trailMax), value])
      return next
    })
  }, [seenAt])
  return trail
}

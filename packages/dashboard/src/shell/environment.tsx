import { useQuery } from '@tanstack/react-query'
import { siteQuery } from '../api/queries.ts'

/** The name of the place where this scheduler stands; null where it has none, or none is known yet. */
export function useEnvironment(): string | null {
  return useQuery(siteQuery).data?.environment ?? null
}

/** What is done in production is done to others: it is told apart by colour and by name. */
export function EnvironmentBadge() {
  const name = useEnvironment()
  if (name === null) return null
  return (
    <span className={`badge environment environment-${kindOf(name)}`} title={`This is ${name}`}>
      <span className="offscreen">Environment: </span>
      {name}
    </span>
  )
}

/** The names that people use; any other is as good, and looks neutral. */
function kindOf(name: string): 'live' | 'trial' | 'other' {
  if (/^(prod|live)/i.test(name)) return 'live'
  return /^(stag|test|qa|uat|pre)/i.test(name) ? 'trial' : 'other'
}

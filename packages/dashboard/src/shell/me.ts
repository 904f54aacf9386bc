import { useQuery } from '@tanstack/react-query'
import type { Me } from '@tasklane/protocol'
import { meQuery } from '../api/queries.ts'

export function mayOf(me: Me | undefined, access: string): boolean {
  return me?.may.includes(access) === true
}

/** Whether this person may do that: what one may not do has no button. */
export function useMay(access: string): boolean {
  const { data } = useQuery(meQuery)
  return mayOf(data, access)
}

import { useQuery } from '@tanstack/react-query'
import { meQuery } from '../api/queries.ts'
import type { Me } from '../api/types.ts'

export function mayOf(me: Me | undefined, access: string): boolean {
  return me !== undefined && (me.may.includes(access) || me.may.includes('*') || me.may.includes('all'))
}

/** Whether this person may do that: what one may not do has no button. */
export function useMay(access: string): boolean {
  const { data } = useQuery(meQuery)
  return mayOf(data, access)
}

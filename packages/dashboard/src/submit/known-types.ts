import { useQuery } from '@tanstack/react-query'
import type { Json } from '@tasklane/protocol'
import { useMemo } from 'react'
import { typesQuery, workersQuery } from '../api/queries.ts'
import { isSchema } from './schema.ts'

export interface KnownType {
  readonly name: string
  readonly schema: Json | undefined
  readonly description: string
  readonly workers: number
}

export interface KnownTypes {
  readonly all: readonly KnownType[]
  readonly of: (name: string) => KnownType | undefined
}

/** What live workers said they can run, and the schemas they published. */
export function useKnownTypes(): KnownTypes {
  const { data: types } = useQuery(typesQuery)
  const { data: workers } = useQuery(workersQuery)
  return useMemo(() => {
    const live = (workers ?? []).filter(worker => worker.status !== 'lost')
    const names = new Set([
      ...(types ?? []).map(type => type.task_type),
      ...live.flatMap(worker => [...worker.capabilities, ...Object.keys(worker.types)]),
    ])
    names.delete('*')
    const all = [...names].sort().map(name => {
      const told = types?.find(type => type.task_type === name)
      const schema = told?.schema ?? live.find(worker => name in worker.types)?.types[name]
      return { name, schema, description: describe(schema), workers: told?.workers ?? 0 }
    })
    return { all, of: name => all.find(type => type.name === name) }
  }, [types, workers])
}

/** In the words of its schema; without any, the names of its fields. */
function describe(schema: Json | undefined): string {
  if (!isSchema(schema)) return ''
  if (typeof schema.description === 'string') return schema.description
  if (typeof schema.title === 'string') return schema.title
  return isSchema(schema.properties) ? Object.keys(schema.properties).join(', ') : ''
}

import { Link } from '@tanstack/react-router'
import { useVirtualizer } from '@tanstack/react-virtual'
import type { GraphNode } from '@tasklane/protocol'
import { useMemo, useRef } from 'react'
import { State } from '../parts/state.tsx'
import { Lasted } from '../parts/time.tsx'
import { type Structure, titleOf } from './structure.ts'

interface ListProps {
  readonly nodes: readonly GraphNode[]
  readonly structure: Structure
  readonly isShown: (node: GraphNode) => boolean
  readonly critical: ReadonlySet<string> | null
}

const rowHeight = 37

/** The picture in words: each task, its state, what it needs and what needs it; parents first. */
export function GraphList({ nodes, structure, isShown, critical }: ListProps) {
  const scroll = useRef<HTMLElement>(null)
  const byId = useMemo(() => new Map(nodes.map(node => [node.task_id, node])), [nodes])
  const rows = useMemo(
    () => structure.order.flatMap(id => byId.get(id) ?? []).filter(isShown),
    [structure, byId, isShown],
  )
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => rowHeight,
    overscan: 12,
  })
  const items = virtual.getVirtualItems()
  const above = items[0]?.start ?? 0
  const below = virtual.getTotalSize() - (items.at(-1)?.end ?? 0)
  const names = (ids: readonly string[] = []) => needsText(ids, id => titleFrom(byId.get(id), id))
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard
    <section className="table-scroll graph-list" tabIndex={0} aria-label="The tasks of the graph" ref={scroll}>
      <table className="table" aria-rowcount={rows.length + 1}>
        <thead>
          <tr>
            <th scope="col">State</th>
            <th scope="col">Task</th>
            <th scope="col">Needs</th>
            <th scope="col">Needed by</th>
            <th scope="col">Ran</th>
          </tr>
        </thead>
        <tbody>
          <Space height={above} />
          {items.map(item => {
            const node = rows[item.index]
            if (node === undefined) return null
            const id = node.task_id
            return (
              <tr key={id} aria-rowindex={item.index + 2} data-index={item.index} ref={virtual.measureElement}>
                <td>
                  <State state={node.status} />
                </td>
                <td>
                  <Link to="/tasks/$id" params={{ id }} className="strong-link">
                    {titleOf(node)}
                  </Link>
                  {critical?.has(id) === true ? <span className="graph-mark">critical path</span> : null}
                </td>
                <td className="needs">{names(structure.parents.get(id))}</td>
                <td className="needs">{names(structure.children.get(id))}</td>
                <td>
                  <Lasted from={node.started_at} to={node.completed_at} />
                </td>
              </tr>
            )
          })}
          <Space height={below} />
        </tbody>
      </table>
      {rows.length === 0 ? <p className="graph-empty faint">No task of this graph matches.</p> : null}
    </section>
  )
}

/** The rows that are not drawn. */
function Space({ height }: { readonly height: number }) {
  return height <= 0 ? null : (
    <tr>
      <td colSpan={5} className="graph-space" style={{ height }} />
    </tr>
  )
}

function titleFrom(node: GraphNode | undefined, id: string): string {
  return node === undefined ? id : titleOf(node)
}

export function needsText(ids: readonly string[], nameOf: (id: string) => string): string {
  if (ids.length === 0) return '–'
  return `${ids.slice(0, 5).map(nameOf).join(', ')}${ids.length > 5 ? ` and ${ids.length - 5} more` : ''}`
}

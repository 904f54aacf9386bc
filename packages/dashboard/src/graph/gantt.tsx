import { Link } from '@tanstack/react-router'
import { useVirtualizer } from '@tanstack/react-virtual'
import type { GraphNode } from '@tasklane/protocol'
import { useMemo, useRef } from 'react'
import { span } from '../parts/format.ts'
import { StateIcon, toneOf } from '../parts/state.tsx'
import { useNow } from '../parts/time.tsx'

const rowHeight = 26

/** What ran when, in the order in which it began; what has not begun stands below. */
export function Gantt({ nodes, self }: { readonly nodes: readonly GraphNode[]; readonly self: string }) {
  const now = useNow()
  const scroll = useRef<HTMLDivElement>(null)
  const rows = useMemo(() => nodes.toSorted((one, other) => beginOf(one) - beginOf(other)), [nodes])
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => rowHeight,
    overscan: 10,
  })
  const begins = nodes.flatMap(node => (node.started_at === null ? [] : [Date.parse(node.started_at)]))
  const begin = Math.min(...begins, now)
  const isOver = nodes.every(node => node.completed_at !== null)
  const end = isOver ? Math.max(...nodes.map(node => Date.parse(node.completed_at ?? ''))) : now
  const total = Math.max(1, end - begin)
  return (
    <section className="gantt" aria-label="What ran when">
      <header>
        <h2>Over time</h2>
        <span className="faint">{span(total)}</span>
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard */}
      <section className="gantt-rows" ref={scroll} tabIndex={0} aria-label="Rows">
        <div className="gantt-inside" style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map(item => {
            const node = rows[item.index]
            if (node === undefined) return null
            const from = node.started_at === null ? null : Date.parse(node.started_at)
            const to = node.completed_at === null ? end : Date.parse(node.completed_at)
            return (
              <div key={node.task_id} className="gantt-row" style={{ transform: `translateY(${item.start}px)` }}>
                <Link
                  to="/tasks/$id"
                  params={{ id: node.task_id }}
                  className={node.task_id === self ? 'gantt-name gantt-self' : 'gantt-name'}
                >
                  <StateIcon state={node.status} size={13} />
                  <span className="clip">{node.name ?? node.task_type}</span>
                </Link>
                <div className="gantt-track">
                  {from === null ? null : (
                    <div
                      className={`gantt-bar fill-${toneOf(node.status)}`}
                      title={span(to - from)}
                      style={{
                        left: `${((from - begin) / total) * 100}%`,
                        width: `max(3px, ${(Math.max(0, to - from) / total) * 100}%)`,
                      }}
                    />
                  )}
                </div>
              </div>
            )
          })}
        </div>
      </section>
    </section>
  )
}

function beginOf(node: GraphNode): number {
  return node.started_at === null ? Number.POSITIVE_INFINITY : Date.parse(node.started_at)
}

import { useVirtualizer } from '@tanstack/react-virtual'
import type { GraphNode } from '@tasklane/protocol'
import { memo, useMemo, useRef } from 'react'
import { span } from '../parts/format.ts'
import { StateIcon, stateText, toneOf } from '../parts/state.tsx'
import { useNow } from '../parts/time.tsx'
import { isOver } from './looks.ts'
import { titleOf } from './structure.ts'
import { type Interval, type TimeScale, timeScale } from './time-scale.ts'

const rowHeight = 26

interface GanttProps {
  readonly nodes: readonly GraphNode[]
  readonly self: string
  readonly selected: string | null
  readonly isDim: (node: GraphNode) => boolean
  readonly critical: ReadonlySet<string> | null
  readonly onSelect: (id: string) => void
}

/** What ran when, in the order in which it began; what has not begun stands below. Idle gaps are folded. */
export function Gantt({ nodes, self, selected, isDim, critical, onSelect }: GanttProps) {
  const isDone = isOver(nodes)
  const ticking = useNow()
  const now = isDone ? 0 : ticking
  const scroll = useRef<HTMLDivElement>(null)
  const rows = useMemo(() => nodes.toSorted((one, other) => beginOf(one) - beginOf(other)), [nodes])
  const scale = useMemo(
    () => timeScale(nodes.map(node => intervalOf(node, now)).filter(each => each !== null)),
    [nodes, now],
  )
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => rowHeight,
    overscan: 6,
  })
  const folded = scale.stretches.filter(each => each.isIdle)
  return (
    <section className="gantt" aria-label="What ran when">
      <header>
        <h2>Over time</h2>
        <span className="faint">
          {span(scale.busyMs)}
          {folded.length === 0
            ? ''
            : `, and ${span(folded.reduce((sum, each) => sum + each.toMs - each.fromMs, 0))} idle`}
        </span>
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard */}
      <section className="gantt-rows" ref={scroll} tabIndex={0} aria-label="Rows">
        <div className="gantt-inside" style={{ height: virtual.getTotalSize() }}>
          <Gaps scale={scale} />
          {virtual.getVirtualItems().map(item => {
            const node = rows[item.index]
            if (node === undefined) return null
            const interval = intervalOf(node, now)
            const [from, to] = interval === null ? [0, 0] : [scale.at(interval[0]), scale.at(interval[1])]
            const names = [
              node.task_id === self ? 'gantt-self' : '',
              node.task_id === selected ? 'gantt-selected' : '',
              isDim(node) ? 'gantt-dim' : '',
              critical?.has(node.task_id) === true ? 'gantt-critical' : '',
            ]
            return (
              <Row
                key={node.task_id}
                id={node.task_id}
                title={titleOf(node)}
                state={node.status}
                names={names.filter(name => name !== '').join(' ')}
                top={item.start}
                from={from}
                to={to}
                ms={interval === null ? null : interval[1] - interval[0]}
                onSelect={onSelect}
              />
            )
          })}
        </div>
      </section>
    </section>
  )
}

interface RowProps {
  readonly id: string
  readonly title: string
  readonly state: GraphNode['status']
  readonly names: string
  readonly top: number
  readonly from: number
  readonly to: number
  readonly ms: number | null
  readonly onSelect: (id: string) => void
}

const Row = memo(function Row({ id, title, state, names, top, from, to, ms, onSelect }: RowProps) {
  return (
    <div className={`gantt-row ${names}`} style={{ transform: `translateY(${top}px)` }}>
      <button type="button" className="gantt-name" onClick={() => onSelect(id)} title={`${title}, ${stateText(state)}`}>
        <StateIcon state={state} size={13} />
        <span className="clip">{title}</span>
      </button>
      <div className="gantt-track">
        {ms === null ? null : (
          <div
            className={`gantt-bar fill-${toneOf(state)}`}
            title={span(ms)}
            style={{ left: `${from * 100}%`, width: `max(3px, ${(to - from) * 100}%)` }}
          />
        )}
      </div>
    </div>
  )
})

/** Where time was folded, down through all rows. */
function Gaps({ scale }: { readonly scale: TimeScale }) {
  return (
    <div className="gantt-gaps" aria-hidden="true">
      {scale.stretches.map(({ isIdle, fromMs, toMs, from, to }) =>
        isIdle ? (
          <div
            key={fromMs}
            className="gantt-gap"
            title={`Nothing ran for ${span(toMs - fromMs)}`}
            style={{ left: `${from * 100}%`, width: `${(to - from) * 100}%` }}
          />
        ) : null,
      )}
    </div>
  )
}

function intervalOf(node: GraphNode, now: number): Interval | null {
  if (node.started_at === null) return null
  const from = Date.parse(node.started_at)
  return [from, Math.max(from, node.completed_at === null ? now : Date.parse(node.completed_at))]
}

function beginOf(node: GraphNode): number {
  return node.started_at === null ? Number.POSITIVE_INFINITY : Date.parse(node.started_at)
}

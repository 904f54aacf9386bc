import type { Queue, StatsPoint } from '@tasklane/protocol'
import { useState } from 'react'
import { Button, Skeleton } from '../../parts/basic.tsx'
import { exactCount, shortLocalTime } from '../../parts/format.ts'
import { useHistory } from './use-history.ts'

/** What came in and what ended each minute of the last hour, up and down from one line; the same as a table on demand. */
export function FlowChart({ queue }: { readonly queue: Queue }) {
  const history = useHistory(queue.name)
  const [isTable, setTable] = useState(false)
  if (history === undefined) return <Skeleton rows={4} />
  const { points } = history
  const sum = (pick: (point: StatsPoint) => number) => points.reduce((all, point) => all + pick(point), 0)
  const totals = `${exactCount(sum(point => point.submitted))} in, ${exactCount(sum(point => point.completed))} completed, ${exactCount(sum(point => point.failed))} failed, ${exactCount(sum(point => point.cancelled))} cancelled`
  return (
    <>
      <div className="chart-tools">
        <ul className="legend">
          {legend.map(([text, tone]) => (
            <li key={text}>
              <span className={`swatch fill-${tone}`} /> {text}
            </li>
          ))}
        </ul>
        <Button look="ghost" isSmall aria-pressed={isTable} onClick={() => setTable(!isTable)}>
          Table
        </Button>
      </div>
      {isTable ? <Table points={points} /> : <Bars points={points} label={totals} />}
      <p className="faint flow-note">Last hour: {totals}. The minute that still grows is lighter.</p>
    </>
  )
}

const legend = [
  ['In', 'accent'],
  ['Completed', 'completed'],
  ['Failed', 'failed'],
  ['Cancelled', 'cancelled'],
] as const

const half = 60

function Bars({ points, label }: { readonly points: readonly StatsPoint[]; readonly label: string }) {
  const top = Math.max(
    1,
    ...points.flatMap(point => [point.submitted, point.completed + point.failed + point.cancelled]),
  )
  const width = 100 / Math.max(1, points.length)
  return (
    <svg className="flow" viewBox={`0 0 100 ${half * 2}`} preserveAspectRatio="none" role="img">
      <title>{label}</title>
      {points.map((point, index) => (
        <Minute
          key={point.at}
          point={point}
          x={index * width}
          width={width}
          top={top}
          isSoFar={index === points.length - 1}
        />
      ))}
      <line x1="0" x2="100" y1={half} y2={half} className="flow-axis" />
    </svg>
  )
}

interface MinuteProps {
  readonly point: StatsPoint
  readonly x: number
  readonly width: number
  readonly top: number
  /** It still grows, and is drawn lighter. */
  readonly isSoFar: boolean
}

function Minute({ point, x, width, top, isSoFar }: MinuteProps) {
  const scale = (half - 2) / top
  let y = half
  const down = [
    ['completed', point.completed],
    ['failed', point.failed],
    ['cancelled', point.cancelled],
  ] as const
  return (
    <g className={isSoFar ? 'flow-so-far' : undefined}>
      <rect
        x={x + width * 0.1}
        width={width * 0.8}
        y={half - point.submitted * scale}
        height={point.submitted * scale}
        className="flow-in"
      />
      {down.map(([tone, count]) => {
        const from = y
        y += count * scale
        return count === 0 ? null : (
          <rect
            key={tone}
            x={x + width * 0.1}
            width={width * 0.8}
            y={from}
            height={count * scale}
            className={`flow-${tone}`}
          />
        )
      })}
    </g>
  )
}

function Table({ points }: { readonly points: readonly StatsPoint[] }) {
  const now = Date.now()
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard
    <section className="chart-table" tabIndex={0} aria-label="In and out, by the minute">
      <table className="table small-table">
        <thead>
          <tr>
            <th scope="col">Minute</th>
            <th scope="col">In</th>
            <th scope="col">Completed</th>
            <th scope="col">Failed</th>
            <th scope="col">Cancelled</th>
          </tr>
        </thead>
        <tbody>
          {points.toReversed().map((point, index) => (
            <tr key={point.at} className={index === 0 ? 'faint' : undefined}>
              <td>
                {shortLocalTime(new Date(point.at), now)}
                {index === 0 ? ', so far' : ''}
              </td>
              <td className="number">{exactCount(point.submitted)}</td>
              <td className="number">{exactCount(point.completed)}</td>
              <td className="number">{exactCount(point.failed)}</td>
              <td className="number">{exactCount(point.cancelled)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

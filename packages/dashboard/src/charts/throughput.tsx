import type { StatsPoint } from '@tasklane/protocol'
import { Table2 } from 'lucide-react'
import { useMemo, useState } from 'react'
import { stepOf } from '../api/queries.ts'
import { Button } from '../parts/basic.tsx'
import { count, span } from '../parts/format.ts'
import { clockSeconds, type Line, Plot } from './plot.tsx'
import { completePoints, type SoFar, soFarOf } from './so-far.ts'

interface ThroughputProps {
  readonly points: readonly StatsPoint[]
  readonly minutes: number
  /** When the points were read, by the clock of this page. */
  readonly readAtMs: number
}

/** The lowest is drawn last, so that each band shows what it adds. */
const bands = [
  ['cancelled', 'Cancelled'],
  ['failed', 'Failed'],
  ['completed', 'Completed'],
] as const

/**
 * What ended, stacked, and how long tasks waited and ran; drag to zoom, both charts share the cursor. The last point is not
 * over yet: it is dashed, at the rate it has so far, or every chart would seem to fall at its end.
 */
export function Throughput({ points, minutes, readAtMs }: ThroughputProps) {
  const [isTable, setTable] = useState(false)
  const step = stepOf(minutes)
  const soFar = soFarOf(points, step, readAtMs)
  const times = useMemo(() => points.map(point => Date.parse(point.at) / 1_000), [points])
  const ended = useMemo(() => linesOf(points, step, readAtMs, stack), [points, step, readAtMs])
  const delays = useMemo(() => linesOf(points, step, readAtMs, delaysOf), [points, step, readAtMs])
  return (
    <>
      <div className="chart-tools">
        <p className="faint chart-hint">
          {step < 60 ? null : 'Dashed is what is not over yet. '}
          <span className="not-phone">Drag over a chart to zoom in, double-click to see all again.</span>
        </p>
        <Button look="ghost" isSmall icon={Table2} aria-pressed={isTable} onClick={() => setTable(!isTable)}>
          {isTable ? 'Chart' : 'Table'}
        </Button>
      </div>
      {isTable ? (
        <HistoryTable points={points} perMinute={60 / step} soFar={soFar} />
      ) : (
        <div className="charts">
          <figure>
            <Caption title="Ended a minute" items={bands.toReversed()} />
            <Plot
              times={times}
              values={ended}
              tones={['cancelled', 'failed', 'completed']}
              isArea
              format={value => count(Math.round(value * 10) / 10)}
              label={summaryOf(points, minutes)}
            />
          </figure>
          <figure>
            <Caption
              title="Wait and run, 95th percentile"
              items={[
                ['pending', 'Wait'],
                ['running', 'Run'],
              ]}
            />
            <Plot
              times={times}
              values={delays}
              tones={['pending', 'running']}
              format={value => (value === 0 ? '0' : span(value))}
              label="The 95th percentile of waiting and running"
            />
          </figure>
        </div>
      )}
    </>
  )
}

/** Whole lines of what is over, and behind them as many that lead on from the last whole point to what is so far. */
function linesOf(
  points: readonly StatsPoint[],
  step: number,
  readAtMs: number,
  draw: (points: readonly StatsPoint[], perMinute: number) => readonly Line[],
): readonly Line[] {
  const perMinute = 60 / step
  const complete = completePoints(points, step)
  const whole = draw(complete, perMinute)
  const soFar = soFarOf(points, step, readAtMs)
  const running = soFar === null ? null : draw(points.slice(-1), perMinute * soFar.scale)
  return [
    ...whole.map(line => padded(line, 0, points.length)),
    ...whole.map((line, index) => {
      const now = running?.[index]?.[0] ?? null
      return now === null
        ? padded([], 0, points.length)
        : padded([line.at(-1) ?? null, now], complete.length - 1, points.length)
    }),
  ]
}

function padded(line: Line, from: number, length: number): Line {
  return Array.from({ length }, (_, at) => line[at - from] ?? null)
}

interface CaptionProps {
  readonly title: string
  readonly items: readonly (readonly [tone: string, text: string])[]
}

/** What a chart shows stands above it, with what its colours mean. */
function Caption({ title, items }: CaptionProps) {
  return (
    <figcaption className="chart-caption">
      <strong>{title}</strong>
      <ul className="legend">
        {items.map(([tone, text]) => (
          <li key={tone}>
            <span className={`swatch fill-${tone}`} /> {text}
          </li>
        ))}
      </ul>
    </figcaption>
  )
}

function stack(points: readonly StatsPoint[], perMinute: number): readonly Line[] {
  const low = points.map(point => point.completed * perMinute)
  const middle = points.map((point, index) => (low[index] ?? 0) + point.failed * perMinute)
  const top = points.map((point, index) => (middle[index] ?? 0) + point.cancelled * perMinute)
  return [top, middle, low]
}

function delaysOf(points: readonly StatsPoint[]): readonly Line[] {
  return [points.map(point => point.wait_p95_ms), points.map(point => point.run_p95_ms)]
}

function summaryOf(points: readonly StatsPoint[], minutes: number): string {
  const sum = (name: 'completed' | 'failed' | 'cancelled') => points.reduce((all, point) => all + point[name], 0)
  return `Over ${minutes} minutes: ${sum('completed')} completed, ${sum('failed')} failed, ${sum('cancelled')} cancelled`
}

interface HistoryTableProps {
  readonly points: readonly StatsPoint[]
  readonly perMinute: number
  readonly soFar: SoFar | null
}

function HistoryTable({ points, perMinute, soFar }: HistoryTableProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard
    <section className="chart-table" tabIndex={0} aria-label="The chart as a table">
      <table className="table small-table">
        <thead>
          <tr>
            <th scope="col">Time</th>
            <th scope="col">Completed a minute</th>
            <th scope="col">Failed</th>
            <th scope="col">Cancelled</th>
            <th scope="col">Wait p95</th>
            <th scope="col">Run p95</th>
          </tr>
        </thead>
        <tbody>
          {points.toReversed().map((point, index) => {
            const isRunning = index === 0
            const rate = (n: number) => count(Math.round(n * perMinute * (isRunning ? (soFar?.scale ?? 1) : 1)))
            return (
              <tr key={point.at} className={isRunning ? 'faint' : undefined}>
                <td>
                  {clockSeconds.format(new Date(point.at))}
                  {isRunning ? ', so far' : ''}
                </td>
                <td>{rate(point.completed)}</td>
                <td>{rate(point.failed)}</td>
                <td>{rate(point.cancelled)}</td>
                <td>{span(point.wait_p95_ms)}</td>
                <td>{span(point.run_p95_ms)}</td>
              </tr>
            )
          })}
        </tbody>
      </table>
    </section>
  )
}

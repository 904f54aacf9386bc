import type { StatsPoint } from '@tasklane/protocol'
import { Table2 } from 'lucide-react'
import { useEffect, useMemo, useRef, useState } from 'react'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { stepOf } from '../api/queries.ts'
import { Button } from '../parts/basic.tsx'
import { count, span } from '../parts/format.ts'
import { usePreferences } from '../shell/preferences.ts'

interface ThroughputProps {
  readonly points: readonly StatsPoint[]
  readonly minutes: number
}

/** The lowest is drawn last, so that each band shows what it adds. */
const bands = [
  ['cancelled', 'Cancelled'],
  ['failed', 'Failed'],
  ['completed', 'Completed'],
] as const

/** What ended, stacked, and how long tasks waited and ran; drag to zoom, both charts share the cursor. */
export function Throughput({ points, minutes }: ThroughputProps) {
  const [isTable, setTable] = useState(false)
  const perMinute = 60 / stepOf(minutes)
  const times = useMemo(() => points.map(point => Date.parse(point.at) / 1_000), [points])
  const ended = useMemo(() => stack(points, perMinute), [points, perMinute])
  const delays = useMemo(
    () => [points.map(point => point.wait_p95_ms), points.map(point => point.run_p95_ms)],
    [points],
  )
  return (
    <>
      <div className="chart-tools">
        <p className="faint chart-hint">Drag over a chart to zoom in, double-click to see all again.</p>
        <Button look="ghost" isSmall icon={Table2} aria-pressed={isTable} onClick={() => setTable(!isTable)}>
          {isTable ? 'Chart' : 'Table'}
        </Button>
      </div>
      {isTable ? (
        <HistoryTable points={points} perMinute={perMinute} />
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

function stack(points: readonly StatsPoint[], perMinute: number): number[][] {
  const low = points.map(point => point.completed * perMinute)
  const middle = points.map((point, index) => (low[index] ?? 0) + point.failed * perMinute)
  const top = points.map((point, index) => (middle[index] ?? 0) + point.cancelled * perMinute)
  return [top, middle, low]
}

function summaryOf(points: readonly StatsPoint[], minutes: number): string {
  const sum = (name: 'completed' | 'failed' | 'cancelled') => points.reduce((all, point) => all + point[name], 0)
  return `Over ${minutes} minutes: ${sum('completed')} completed, ${sum('failed')} failed, ${sum('cancelled')} cancelled`
}

interface PlotProps {
  readonly times: readonly number[]
  readonly values: readonly (readonly (number | null)[])[]
  readonly tones: readonly string[]
  readonly isArea?: boolean
  readonly format: (value: number) => string
  readonly label: string
}

function Plot({ times, values, tones, isArea, format, label }: PlotProps) {
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | null>(null)
  const preferences = usePreferences()
  const latest = useRef({ times, values })
  latest.current = { times, values }
  const tonesText = tones.join()

  // biome-ignore lint/correctness/useExhaustiveDependencies: a theme has other colours, and a canvas must be drawn anew
  useEffect(() => {
    const at = place.current
    if (at === null) return
    const chart = new uPlot(optionsOf(at, tonesText.split(','), isArea === true, format), dataOf(latest.current), at)
    plot.current = chart
    const watch = new ResizeObserver(() => chart.setSize({ width: at.clientWidth, height: at.clientHeight }))
    watch.observe(at)
    return () => {
      watch.disconnect()
      chart.destroy()
      plot.current = null
    }
  }, [tonesText, isArea, preferences])
  useEffect(() => {
    const chart = plot.current
    if (chart === null) return
    // Who has zoomed in keeps the piece that was chosen.
    const isKept = isZoomed(chart)
    chart.setData(dataOf({ times, values }), !isKept)
    if (isKept) chart.redraw()
  }, [times, values])
  return <div ref={place} className="chart" role="img" aria-label={label} />
}

/** What was chosen by dragging is gone by then; the scale tells. */
function isZoomed({ scales: { x }, data: [times] }: uPlot): boolean {
  const [first = 0, last = 0] = [times[0], times.at(-1)]
  return (x?.min ?? first) > first || (x?.max ?? last) < last
}

function dataOf({ times, values }: Pick<PlotProps, 'times' | 'values'>): uPlot.AlignedData {
  return [[...times], ...values.map(line => [...line])]
}

function optionsOf(
  at: HTMLElement,
  tones: readonly string[],
  isArea: boolean,
  format: (value: number) => string,
): uPlot.Options {
  const style = getComputedStyle(at)
  const colour = (name: string) => style.getPropertyValue(name).trim()
  const axis = {
    stroke: colour('--text-faint'),
    font: '11px system-ui, sans-serif',
    grid: { stroke: colour('--border'), width: 1 },
    ticks: { show: false },
  }
  return {
    width: at.clientWidth,
    height: at.clientHeight,
    padding: [8, 8, 0, 0],
    legend: { show: false },
    cursor: { sync: { key: 'tasklane' }, drag: { x: true, y: false }, points: { size: 6 } },
    scales: { y: { range: (_self, _low, high) => [0, Math.max(1, high * 1.12)] } },
    axes: [
      { ...axis, grid: { show: false }, size: 28, space: 70, values: clockTexts },
      { ...axis, size: 58, space: 34, values: (_self, ticks) => ticks.map(tick => format(tick)) },
    ],
    series: [
      {},
      ...tones.map(tone => ({
        stroke: colour(`--${tone}`),
        width: isArea ? 1 : 1.6,
        ...(isArea ? { fill: colour(`--${tone}-soft`) } : {}),
        points: {
          show: true,
          size: 5,
          fill: colour(`--${tone}`),
          filter: (self: uPlot, line: number) => alone(self.data[line] ?? []),
        },
      })),
    ],
    plugins: [tooltipPlugin(tones, isArea, format)],
  }
}

/** A value between two gaps has no line to either side, and is drawn as a point. */
function alone(values: uPlot.AlignedData[number]): number[] {
  const isThere = (at: number) => values[at] !== null && values[at] !== undefined
  return Array.from(values, (_, at) => at).filter(at => isThere(at) && !isThere(at - 1) && !isThere(at + 1))
}

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' })
const clockSeconds = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' })

function clockTexts(_self: uPlot, ticks: readonly number[]): string[] {
  const isFine = (ticks[1] ?? 60) - (ticks[0] ?? 0) < 60
  return ticks.map(tick => (isFine ? clockSeconds : clock).format(new Date(tick * 1_000)))
}

const names: Readonly<Record<string, string>> = { pending: 'wait p95', running: 'run p95' }

/** What stands under the cursor, in numbers. Texts are set as texts. */
function tooltipPlugin(tones: readonly string[], isArea: boolean, format: (value: number) => string): uPlot.Plugin {
  const box = document.createElement('div')
  box.className = 'chart-tip'
  return {
    hooks: {
      init: self => void self.over.append(box),
      setCursor: self => {
        const at = self.cursor.idx
        const left = self.cursor.left ?? -1
        if (at === null || at === undefined || left < 0) {
          box.hidden = true
          return
        }
        const read = (line: number) => self.data[line]?.[at] ?? null
        const lines = tones.map((tone, index) => {
          const own = read(index + 1)
          const below = isArea ? (read(index + 2) ?? 0) : 0
          return `${names[tone] ?? tone} ${own === null ? '–' : format(own - below)}`
        })
        box.textContent = [clockSeconds.format(new Date((self.data[0][at] ?? 0) * 1_000)), ...lines.toReversed()].join(
          '\n',
        )
        box.hidden = false
        box.classList.toggle('chart-tip-left', left > self.over.clientWidth / 2)
        box.style.left = `${left}px`
      },
    },
  }
}

function HistoryTable({ points, perMinute }: { readonly points: readonly StatsPoint[]; readonly perMinute: number }) {
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
          {points.toReversed().map(point => (
            <tr key={point.at}>
              <td>{clockSeconds.format(new Date(point.at))}</td>
              <td>{count(point.completed * perMinute)}</td>
              <td>{count(point.failed * perMinute)}</td>
              <td>{count(point.cancelled * perMinute)}</td>
              <td>{span(point.wait_p95_ms)}</td>
              <td>{span(point.run_p95_ms)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

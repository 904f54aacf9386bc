import { useEffect, useRef } from 'react'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { usePreferences } from '../shell/preferences.ts'

/** Null where there is nothing to tell. */
export type Line = readonly (number | null)[]

interface PlotProps {
  readonly times: readonly number[]
  /** A line for each tone, and then for each how it goes on to what is not over yet. */
  readonly values: readonly Line[]
  readonly tones: readonly string[]
  readonly isArea?: boolean
  readonly format: (value: number) => string
  readonly label: string
}

export function Plot({ times, values, tones, isArea, format, label }: PlotProps) {
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

const wholeSteps = Array.from({ length: 9 }, (_, power) => [1, 2, 5].map(step => step * 10 ** power)).flat()

/** Milliseconds, in steps that read well as seconds, minutes, hours and days. */
const timeSteps = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 30].map(seconds => seconds * 1_000),
  ...[1, 2, 5, 10, 15, 30].map(minutes => minutes * 60_000),
  ...[1, 2, 4, 6, 12, 24, 48, 96, 192].map(hours => hours * 3_600_000),
]

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
  const line = (tone: string) => ({
    stroke: colour(`--${tone}`),
    width: isArea ? 1 : 1.6,
    points: {
      show: true,
      size: 5,
      fill: colour(`--${tone}`),
      filter: (self: uPlot, at: number) => alone(self.data[at] ?? []),
    },
  })
  return {
    width: at.clientWidth,
    height: at.clientHeight,
    padding: [8, 8, 0, 0],
    legend: { show: false },
    cursor: { sync: { key: 'tasklane' }, drag: { x: true, y: false }, points: { size: 6 } },
    scales: { y: { range: (_self, _low, high) => [0, Math.max(1, high * 1.12)] } },
    axes: [
      { ...axis, grid: { show: false }, size: 28, space: 70, values: clockTexts },
      {
        ...axis,
        size: 58,
        space: 34,
        // Tasks are whole: an axis of 0.3 and 0.8 of one tells nothing.
        incrs: isArea ? wholeSteps : timeSteps,
        values: (_self, ticks) => ticks.map(tick => format(tick)),
      },
    ],
    series: [
      {},
      ...tones.map(tone => ({ ...line(tone), ...(isArea ? { fill: colour(`--${tone}-soft`) } : {}) })),
      ...tones.map(tone => ({ ...line(tone), dash: [4, 4] })),
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
export const clockSeconds = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' })

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
        const whole = (line: number) => self.data[line]?.[at] ?? null
        const soFar = (line: number) => (line > tones.length ? null : whole(line + tones.length))
        const read = (line: number) => (line > tones.length ? null : (whole(line) ?? soFar(line)))
        const isSoFar = tones.some((_, index) => whole(index + 1) === null && soFar(index + 1) !== null)
        const lines = tones.map((tone, index) => {
          const own = read(index + 1)
          const below = isArea ? (read(index + 2) ?? 0) : 0
          return `${names[tone] ?? tone} ${own === null ? '–' : format(own - below)}`
        })
        const time = clockSeconds.format(new Date((self.data[0][at] ?? 0) * 1_000))
        box.textContent = [isSoFar ? `${time}, so far` : time, ...lines.toReversed()].join('\n')
        box.hidden = false
        box.classList.toggle('chart-tip-left', left > self.over.clientWidth / 2)
        box.style.left = `${left}px`
      },
    },
  }
}

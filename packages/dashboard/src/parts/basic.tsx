import { Check, CloudOff, Copy, Inbox, type LucideIcon, SearchX, ShieldX, Unplug } from 'lucide-react'
import { type ButtonHTMLAttributes, type ReactNode, useState } from 'react'
import { ApiError, isUnreachable } from '../api/http.ts'
import { localTime, shortLocalTime } from './format.ts'
import { useNow } from './time.tsx'

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  readonly look?: 'plain' | 'primary' | 'danger' | 'ghost'
  readonly icon?: LucideIcon
  /** Without a text beside it, the icon says nothing to who cannot see it. */
  readonly label?: string
  readonly isSmall?: boolean
}

export function Button({ look = 'plain', icon: Icon, label, isSmall, children, className, ...rest }: ButtonProps) {
  const names = ['button', `button-${look}`, isSmall === true ? 'button-small' : '', className ?? '']
  return (
    <button
      type="button"
      {...rest}
      {...(label === undefined ? {} : { 'aria-label': label, title: rest.title ?? label })}
      className={`${names.join(' ')}${children === undefined ? ' button-icon' : ''}`}
    >
      {Icon === undefined ? null : <Icon size={15} aria-hidden="true" />}
      {children}
    </button>
  )
}

/** Copies; on plain HTTP, where browsers withhold the clipboard, by way of a selection. */
export async function copyText(text: string): Promise<void> {
  if (navigator.clipboard !== undefined) return navigator.clipboard.writeText(text)
  const area = document.createElement('textarea')
  area.value = text
  area.className = 'offscreen'
  document.body.append(area)
  area.select()
  document.execCommand('copy')
  area.remove()
}

export function CopyButton({ text, label = 'Copy' }: { readonly text: string; readonly label?: string }) {
  const [isDone, setDone] = useState(false)
  const copy = async () => {
    await copyText(text)
    setDone(true)
    setTimeout(() => setDone(false), 1_500)
  }
  return (
    <Button
      look="ghost"
      isSmall
      icon={isDone ? Check : Copy}
      label={isDone ? 'Copied' : label}
      onClick={() => void copy()}
    />
  )
}

/** A command to copy. */
export function Snippet({ text, label }: { readonly text: string; readonly label?: string }) {
  return (
    <div className="snippet">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard */}
      <pre tabIndex={0}>{text}</pre>
      <CopyButton text={text} label={label ?? 'Copy the command'} />
    </div>
  )
}

export function Panel(props: {
  readonly title?: ReactNode
  readonly side?: ReactNode
  readonly children: ReactNode
  readonly className?: string
  readonly isFlush?: boolean
}) {
  return (
    <section className={`panel ${props.className ?? ''}`}>
      {props.title === undefined ? null : (
        <header className="panel-head">
          <h2>{props.title}</h2>
          <div className="panel-side">{props.side}</div>
        </header>
      )}
      <div className={props.isFlush === true ? '' : 'panel-body'}>{props.children}</div>
    </section>
  )
}

export function PageHead(props: {
  readonly title: ReactNode
  readonly note?: ReactNode
  readonly children?: ReactNode
}) {
  return (
    <div className="page-head">
      <div>
        <h1>{props.title}</h1>
        {props.note === undefined ? null : <p className="page-note">{props.note}</p>}
      </div>
      <div className="page-actions">{props.children}</div>
    </div>
  )
}

export function Skeleton({ rows = 5 }: { readonly rows?: number }) {
  return (
    <div className="skeletons" aria-hidden="true">
      {Array.from({ length: rows }, (_, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they are all alike and never move
        <div key={row} className="skeleton" />
      ))}
    </div>
  )
}

export function Notice(props: {
  readonly icon: LucideIcon
  readonly title: string
  readonly children?: ReactNode
  readonly tone?: string
}) {
  const Icon = props.icon
  return (
    <div className="notice">
      <Icon size={26} aria-hidden="true" className={props.tone ?? 'faint'} />
      <p className="notice-title">{props.title}</p>
      <div className="notice-text">{props.children}</div>
    </div>
  )
}

export function Nothing(props: { readonly title: string; readonly children?: ReactNode }) {
  return (
    <Notice icon={Inbox} title={props.title}>
      {props.children}
    </Notice>
  )
}

export function NoMatch({ onClear }: { readonly onClear: () => void }) {
  return (
    <Notice icon={SearchX} title="Nothing matches these filters">
      <p>There are tasks, but none that fits all of them.</p>
      <Button onClick={onClear}>Clear the filters</Button>
    </Notice>
  )
}

/** What went wrong, each kind in words of its own. */
export function Failure({ error, onRetry }: { readonly error: unknown; readonly onRetry?: () => void }) {
  const again = onRetry === undefined ? null : <Button onClick={onRetry}>Try again</Button>
  if (isUnreachable(error)) {
    return (
      <Notice icon={CloudOff} title="The scheduler cannot be reached" tone="tone-failed">
        <p>These pages try again by themselves.</p>
        {again}
      </Notice>
    )
  }
  if (error instanceof ApiError && error.status === 403) {
    return (
      <Notice icon={ShieldX} title="Not allowed">
        <p>Your role does not allow you to see this. Ask an administrator.</p>
      </Notice>
    )
  }
  const id = error instanceof ApiError ? error.problem?.request_id : undefined
  return (
    <Notice
      icon={Unplug}
      title={error instanceof ApiError ? (error.problem?.title ?? 'Refused') : 'Something went wrong'}
    >
      <p>{error instanceof Error ? error.message : String(error)}</p>
      {id === undefined ? null : <p className="faint">Request {id}</p>}
      {again}
    </Notice>
  )
}

/** Data that is there but old is shown, and says how old. */
export function Stale({ error, at }: { readonly error: unknown; readonly at: number }) {
  const now = useNow()
  if (error === null || error === undefined || at === 0) return null
  return (
    <p className="stale" role="status" title={localTime(new Date(at))}>
      <CloudOff size={14} aria-hidden="true" />
      {isUnreachable(error) ? 'The scheduler cannot be reached; this is' : 'This could not be refreshed; it is'} as of{' '}
      {shortLocalTime(new Date(at), now)}.
    </p>
  )
}

export function Bar({ percent, tone = 'running', label }: { percent: number; tone?: string; label: string }) {
  const width = Math.max(0, Math.min(100, percent))
  return (
    <div className="bar" role="progressbar" aria-label={label} aria-valuenow={Math.round(width)}>
      <div className={`bar-fill fill-${tone}`} style={{ width: `${width}%` }} />
    </div>
  )
}

/** Where nobody looked, or nothing was there to measure, the line has a gap. */
export function Sparkline(props: {
  readonly values: readonly (number | null)[]
  /** What its whole height stands for; the greatest of the values, where it is not said. */
  readonly top?: number
  readonly tone?: string
  readonly label: string
}) {
  const { values } = props
  if (values.length < 2) return <div className="sparkline" aria-hidden="true" />
  const top = props.top ?? Math.max(...values.map(value => value ?? 0), 1e-9)
  const x = (index: number) => ((index / (values.length - 1)) * 100).toFixed(1)
  const lines = runsOf(values).map(run => ({
    points: run.map(([index, value]) => `${x(index)},${(23 - (value / top) * 21).toFixed(1)}`).join(' '),
    from: x(run[0]?.[0] ?? 0),
    to: x(run.at(-1)?.[0] ?? 0),
  }))
  return (
    <svg
      className={`sparkline line-${props.tone ?? 'accent'}`}
      viewBox="0 0 100 24"
      preserveAspectRatio="none"
      role="img"
    >
      <title>{props.label}</title>
      {lines.map(({ points, from, to }) => (
        <g key={from}>
          <polygon points={`${from},24 ${points} ${to},24`} className="sparkline-area" />
          <polyline points={points} className="sparkline-line" />
        </g>
      ))}
    </svg>
  )
}

/** The values that are there, with their places, in runs without a gap; one alone is drawn as a short line. */
function runsOf(values: readonly (number | null)[]): readonly (readonly (readonly [index: number, value: number])[])[] {
  const runs: [number, number][][] = []
  let isGap = true
  for (const [index, value] of values.entries()) {
    if (value !== null && isGap) runs.push([])
    if (value !== null) runs.at(-1)?.push([index, value])
    isGap = value === null
  }
  return runs.map(run =>
    run.length > 1 ? run : run.flatMap(([index, value]) => [0.3, -0.3].map(by => [index - by, value] as const)),
  )
}

interface SegmentsProps<Value> {
  /** Read out, not shown. */
  readonly legend: string
  readonly choices: readonly (readonly [text: string, value: Value])[]
  readonly value: Value
  readonly onChoose: (value: Value) => void
}

/** One of a few, side by side. */
export function Segments<Value extends number>({ legend, choices, value, onChoose }: SegmentsProps<Value>) {
  return (
    <fieldset className="segments">
      <legend className="offscreen">{legend}</legend>
      {choices.map(([text, each]) => (
        <button
          type="button"
          key={each}
          className="segment"
          aria-pressed={value === each}
          onClick={() => onChoose(each)}
        >
          {text}
        </button>
      ))}
    </fieldset>
  )
}

import { useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { BatchReply } from '@tasklane/protocol'
import { Send, Square } from 'lucide-react'
import { useEffect, useId, useMemo, useRef, useState } from 'react'
import { send } from '../api/http.ts'
import { Bar, Button } from '../parts/basic.tsx'
import { exactCount, plural } from '../parts/format.ts'
import { toastError } from '../shell/toasts.tsx'
import type { Body } from './code.ts'
import { submitDrawer } from './drafts.ts'
import { type ManyOutcome, nothingSent, readMany, sendMany } from './many.ts'

/** Many at once, pasted or from a file. */
export function SubmitMany({ base }: { readonly base: Body }) {
  const [text, setText] = useState('')
  const [label, setLabel] = useState(() => `batch-${new Date().toISOString().slice(0, 19).replace(/[^\d]/g, '')}`)
  const read = useMemo(() => readMany(text, base), [text, base])
  const run = useSending()
  const id = useId()
  const labelled = read.tasks.map(task => withLabel(task, label))
  const isReady = read.faults.length === 0 && read.tasks.length > 0 && !run.isBusy
  return (
    <>
      <div className="field">
        <label htmlFor={id}>Payloads or tasks</label>
        <textarea
          id={id}
          className="code"
          rows={9}
          value={text}
          spellCheck={false}
          placeholder={'{"x": 1, "y": 2}\n{"x": 3, "y": 4}\n{"task_type": "mail", "payload": {…}, "queue": "mail"}'}
          aria-invalid={read.faults.length > 0}
          aria-describedby={`${id}-hint`}
          onChange={event => setText(event.target.value)}
        />
        <small id={`${id}-hint`} className={read.faults.length > 0 ? 'fault-text' : 'hint'} role="status">
          {read.faults.length > 0
            ? read.faults.map(fault => <span key={fault}>{fault} </span>)
            : hintOf(read.tasks.length)}
        </small>
      </div>
      <div className="many-tools">
        <FileButton onText={setText} />
        <label className="field many-label">
          <span>Label them all</span>
          <input
            value={label}
            maxLength={256}
            placeholder="no label"
            onChange={event => setLabel(event.target.value)}
          />
        </label>
        <Button look="primary" icon={Send} disabled={!isReady} onClick={() => void run.start(labelled)}>
          {read.tasks.length === 0 ? 'Submit them' : `Submit ${exactCount(read.tasks.length)}`}
        </Button>
        {run.isBusy ? (
          <Button icon={Square} onClick={run.stop}>
            Stop
          </Button>
        ) : null}
      </div>
      {run.total === 0 ? null : (
        <Outcome
          outcome={run.outcome}
          total={run.total}
          isBusy={run.isBusy}
          label={label}
          onKeep={() => setText(run.outcome.refused.map(({ index }) => JSON.stringify(run.sent[index])).join('\n'))}
        />
      )}
    </>
  )
}

const labelKey = 'batch'

function withLabel(task: Body, label: string): Body {
  if (label.trim() === '') return task
  const { labels } = task
  const own = typeof labels === 'object' && labels !== null && !Array.isArray(labels) ? labels : {}
  return { ...task, labels: { ...own, [labelKey]: label.trim() } }
}

function hintOf(count: number): string {
  if (count === 0)
    return 'A JSON list, or one value a line. What names its task_type is a whole task; the rest are payloads.'
  return `${plural(count, 'task')} to submit.`
}

function FileButton({ onText }: { readonly onText: (text: string) => void }) {
  const input = useRef<HTMLInputElement>(null)
  return (
    <>
      <Button onClick={() => input.current?.click()}>From a file…</Button>
      <input
        ref={input}
        type="file"
        accept=".json,.jsonl,.ndjson,.txt,application/json"
        className="offscreen"
        tabIndex={-1}
        aria-label="A file of payloads or tasks"
        onChange={event => {
          event.target.files?.[0]?.text().then(onText, toastError)
          event.target.value = ''
        }}
      />
    </>
  )
}

function useSending() {
  const client = useQueryClient()
  const [outcome, setOutcome] = useState(nothingSent)
  const [sent, setSent] = useState<readonly Body[]>([])
  const [isBusy, setBusy] = useState(false)
  const control = useRef(new AbortController())
  // A drawer that is closed sends no more; what was accepted stands.
  useEffect(() => () => control.current.abort(), [])
  const start = async (tasks: readonly Body[]) => {
    control.current = new AbortController()
    setSent(tasks)
    setOutcome(nothingSent)
    setBusy(true)
    try {
      await sendMany(
        tasks,
        batch => send<BatchReply>('POST', 'api/tasks/batch', batch),
        setOutcome,
        control.current.signal,
      )
    } catch (error) {
      toastError(error)
    } finally {
      setBusy(false)
      void client.invalidateQueries({ queryKey: ['stats'] })
      void client.invalidateQueries({ queryKey: ['queues'] })
    }
  }
  return { outcome, sent, total: sent.length, isBusy, start, stop: () => control.current.abort() }
}

interface OutcomeProps {
  readonly outcome: ManyOutcome
  readonly total: number
  readonly isBusy: boolean
  readonly label: string
  readonly onKeep: () => void
}

const refusedShown = 20

function Outcome({ outcome, total, isBusy, label, onKeep }: OutcomeProps) {
  const { sent, created, existing, refused } = outcome
  const words = [
    `${exactCount(created)} created`,
    ...(existing > 0 ? [`${exactCount(existing)} were there already`] : []),
    ...(refused.length > 0 ? [`${exactCount(refused.length)} refused`] : []),
    ...(!isBusy && sent < total ? [`${exactCount(total - sent)} not sent`] : []),
  ]
  return (
    <section className="many-outcome" aria-label="Outcome">
      <Bar
        percent={(sent / total) * 100}
        tone={refused.length > 0 ? 'failed' : 'completed'}
        label={`${exactCount(sent)} of ${exactCount(total)} sent`}
      />
      <p role="status">
        {isBusy ? `${exactCount(sent)} of ${exactCount(total)}: ` : ''}
        {words.join(', ')}.
      </p>
      {refused.length === 0 ? null : (
        <>
          <ul className="fault-text schema-faults">
            {refused.slice(0, refusedShown).map(({ index, detail }) => (
              <li key={index}>
                Entry {index + 1}: {detail}
              </li>
            ))}
            {refused.length > refusedShown ? <li>and {exactCount(refused.length - refusedShown)} more</li> : null}
          </ul>
          <Button isSmall disabled={isBusy} onClick={onKeep}>
            Keep the refused to mend them
          </Button>
        </>
      )}
      {created === 0 || label.trim() === '' ? null : (
        <Link
          to="/tasks"
          search={{ label: `${labelKey}:${label.trim()}` }}
          className="button button-plain button-small"
          onClick={() => submitDrawer.set(null)}
        >
          Watch them
        </Link>
      )}
    </section>
  )
}

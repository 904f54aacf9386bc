import { useQuery } from '@tanstack/react-query'
import type { Json } from '@tasklane/protocol'
import { Tabs } from 'radix-ui'
import { useEffect, useId, useMemo, useState } from 'react'
import { fewTasksQuery } from '../api/queries.ts'
import { differencesOf } from './difference.ts'
import type { Draft } from './drafts.ts'
import { faultText } from './faults.ts'
import { JsonField } from './json-field.tsx'
import { firstValue, isSchema } from './schema.ts'
import { canDraw, SchemaForm } from './schema-form.tsx'
import type { ValueFault } from './validate.ts'

interface PayloadProps {
  readonly draft: Draft
  readonly schema: Json | undefined
  /** All that is wrong with it, whether it was touched or not. */
  readonly faults: readonly ValueFault[]
  readonly onChange: (payload: Json) => void
  readonly onSyntax: (fault: string | null) => void
}

export function Payload({ draft, schema, faults, onChange, onSyntax }: PayloadProps) {
  const isDrawn = canDraw(schema)
  const [tab, setTab] = useState<'form' | 'json' | null>(null)
  const [version, setVersion] = useState(0)
  const shown = tab ?? (isDrawn ? 'form' : 'json')
  const id = useId()
  const isFresh = draft.payload === null
  // biome-ignore lint/correctness/useExhaustiveDependencies: a payload begins with its defaults once, when its type is known
  useEffect(() => {
    const first = isDrawn && isFresh ? firstValue(schema, schema) : undefined
    if (first !== undefined && !(isSchema(first) && Object.keys(first).length === 0)) onChange(first)
  }, [schema])
  const take = (payload: Json) => {
    onSyntax(null)
    onChange(payload)
    setVersion(version + 1)
  }
  return (
    <Tabs.Root
      value={shown}
      onValueChange={next => {
        onSyntax(null)
        setTab(next === 'json' ? 'json' : 'form')
      }}
    >
      <div className="field-head">
        <span>Payload</span>
        <span className="payload-tools">
          <Recent type={draft.type} onTake={take} />
          <Tabs.List className="segments" aria-label="How to write the payload">
            <Tabs.Trigger value="form" className="segment" disabled={!isDrawn}>
              Form
            </Tabs.Trigger>
            <Tabs.Trigger value="json" className="segment">
              JSON
            </Tabs.Trigger>
          </Tabs.List>
        </span>
      </div>
      <Tabs.Content value="form" className="stack" tabIndex={-1} key={`form-${version}`}>
        {isDrawn ? (
          <SchemaForm schema={schema} value={draft.payload} onChange={next => onChange(next ?? null)} />
        ) : null}
      </Tabs.Content>
      <Tabs.Content value="json" tabIndex={-1} key={`json-${version}`}>
        <JsonField
          id={id}
          label="As JSON"
          value={draft.payload}
          onChange={next => onChange(next ?? null)}
          onFault={onSyntax}
          rows={9}
        />
        <SchemaFaults faults={faults} />
      </Tabs.Content>
      {draft.origin === null ? null : <Changes before={draft.origin.payload} after={draft.payload} />}
    </Tabs.Root>
  )
}

const faultsShown = 8

function SchemaFaults({ faults }: { readonly faults: readonly ValueFault[] }) {
  if (faults.length === 0) return null
  return (
    <ul className="schema-faults fault-text" aria-label="Does not fit the schema">
      {faults.slice(0, faultsShown).map(fault => (
        <li key={fault.pointer + fault.detail}>{faultText(fault)}</li>
      ))}
      {faults.length > faultsShown ? <li>and {faults.length - faultsShown} more</li> : null}
    </ul>
  )
}

const recentMax = 10

/** What was submitted of this type lately, by anybody whose tasks one may see. */
function Recent({ type, onTake }: { readonly type: string; readonly onTake: (payload: Json) => void }) {
  const { data } = useQuery(fewTasksQuery({ task_type: type }, recentMax))
  const payloads = useMemo(() => {
    const seen = new Map((data ?? []).map(task => [JSON.stringify(task.payload), task] as const))
    return [...seen.values()].filter(task => task.payload !== null)
  }, [data])
  if (payloads.length === 0) return null
  return (
    <select
      className="recent"
      aria-label="Take a recent payload"
      value=""
      onChange={event => {
        const task = payloads[Number(event.target.value)]
        if (task !== undefined) onTake(task.payload)
      }}
    >
      <option value="">Recent…</option>
      {payloads.map((task, index) => (
        <option key={task.task_id} value={index}>
          {JSON.stringify(task.payload).slice(0, 70)}
        </option>
      ))}
    </select>
  )
}

const changesShown = 20
const valueCharsMax = 80

/** What is different from the task that is run again. */
function Changes({ before, after }: { readonly before: Json; readonly after: Json }) {
  const changes = useMemo(() => differencesOf(before, after), [before, after])
  return (
    <section className="changes" aria-label="Changes to the original payload">
      <p className="faint">
        {changes.length === 0 ? 'The payload is that of the original.' : 'Changed from the original:'}
      </p>
      <ul>
        {changes.slice(0, changesShown).map(change => (
          <li key={change.path}>
            <code className="change-path">{change.path}</code>
            {change.before === undefined ? null : <del>{short(change.before)}</del>}
            {change.after === undefined ? <span className="faint">is gone</span> : <ins>{short(change.after)}</ins>}
          </li>
        ))}
        {changes.length > changesShown ? <li className="faint">and {changes.length - changesShown} more</li> : null}
      </ul>
    </section>
  )
}

function short(value: Json): string {
  const text = JSON.stringify(value)
  return text.length > valueCharsMax ? `${text.slice(0, valueCharsMax)}…` : text
}

import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import type { Json, ProblemDetail, Task } from '@tasklane/protocol'
import { TriangleAlert } from 'lucide-react'
import { Tabs } from 'radix-ui'
import { type FormEvent, useId, useRef, useState } from 'react'
import { ApiError, send } from '../api/http.ts'
import { queuesQuery, typesQuery, workersQuery } from '../api/queries.ts'
import { Button } from '../parts/basic.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { toast } from '../shell/toasts.tsx'
import { CodeTabs } from './code-tabs.tsx'
import { bodyOf, type Draft, submitDrawer } from './drafts.ts'
import { canDraw, JsonField, SchemaForm } from './schema-form.tsx'

/** A task from a form: the type's own schema draws the fields of its payload. */
export function SubmitDrawer({ draft: first }: { readonly draft: Draft }) {
  const [draft, setDraft] = useState(first)
  const [faults, setFaults] = useState<readonly string[]>([])
  const [isBusy, setBusy] = useState(false)
  const [jsonFault, setJsonFault] = useState<string | null>(null)
  const client = useQueryClient()
  const navigate = useNavigate()
  const formId = useId()
  const stays = useRef(false)
  const set = (changes: Partial<Draft>) => setDraft(old => ({ ...old, ...changes }))

  const submit = async (event: FormEvent) => {
    event.preventDefault()
    setBusy(true)
    setFaults([])
    try {
      const task = await send<Task>('POST', 'api/tasks', bodyOf(draft))
      void client.invalidateQueries({ queryKey: ['stats'] })
      void client.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] === 'tasks' && queryKey[1] !== 'list' })
      toast('good', `Submitted ${task.name ?? task.task_type}.`)
      if (stays.current) return setBusy(false)
      client.setQueryData(['task', task.task_id], task)
      submitDrawer.set(null)
      await navigate({ to: '/tasks/$id', params: { id: task.task_id } })
    } catch (error) {
      setFaults(faultsOf(error))
      setBusy(false)
    }
  }
  const foot = (
    <>
      <Button onClick={() => submitDrawer.set(null)}>Close</Button>
      <span className="push" />
      <Button
        type="submit"
        form={formId}
        disabled={isBusy || jsonFault !== null}
        onClick={() => {
          stays.current = true
        }}
      >
        Submit, and another
      </Button>
      <Button
        look="primary"
        type="submit"
        form={formId}
        disabled={isBusy || jsonFault !== null}
        onClick={() => {
          stays.current = false
        }}
      >
        Submit and watch
      </Button>
    </>
  )
  return (
    <Dialog title="Submit a task" isOpen isDrawer onClose={() => submitDrawer.set(null)} foot={foot}>
      <form id={formId} onSubmit={event => void submit(event)} className="stack">
        {faults.length === 0 ? null : (
          <div className="fault" role="alert">
            <TriangleAlert size={15} aria-hidden="true" />
            <ul>
              {faults.map(fault => (
                <li key={fault}>{fault}</li>
              ))}
            </ul>
          </div>
        )}
        <TypeField value={draft.type} onChange={type => set({ type })} />
        <Payload key={draft.type} draft={draft} onChange={payload => set({ payload })} onFault={setJsonFault} />
        <Options draft={draft} onChange={set} />
      </form>
      <details className="code-details">
        <summary>The same as a command or a program</summary>
        <CodeTabs body={bodyOf(draft)} />
      </details>
    </Dialog>
  )
}

function faultsOf(error: unknown): readonly string[] {
  const details: readonly ProblemDetail[] = error instanceof ApiError ? (error.problem?.errors ?? []) : []
  if (details.length > 0)
    return details.map(({ pointer, detail }) => (pointer === '' ? detail : `${pointer}: ${detail}`))
  return [error instanceof Error ? error.message : String(error)]
}

interface KnownTypes {
  readonly names: readonly string[]
  readonly schemaOf: (name: string) => Json | undefined
}

/** What live workers said they can run, and the schemas they published. */
function useKnownTypes(): KnownTypes {
  const { data: types } = useQuery(typesQuery)
  const { data: workers } = useQuery(workersQuery)
  const live = (workers ?? []).filter(worker => worker.status !== 'lost')
  const names = new Set([
    ...(types ?? []).map(type => type.task_type),
    ...live.flatMap(worker => [...worker.capabilities, ...Object.keys(worker.types)]),
  ])
  names.delete('*')
  return {
    names: [...names].sort(),
    schemaOf: name =>
      types?.find(type => type.task_type === name)?.schema ?? live.find(worker => name in worker.types)?.types[name],
  }
}

function TypeField({ value, onChange }: { readonly value: string; readonly onChange: (type: string) => void }) {
  const { names } = useKnownTypes()
  const [text, setText] = useState(value)
  const id = useId()
  const isUnknown = value !== '' && names.length > 0 && !names.includes(value)
  return (
    <div className="field">
      <label htmlFor={id}>Type</label>
      <input
        id={id}
        list={`${id}-types`}
        required
        maxLength={128}
        value={text}
        placeholder="What should run"
        autoComplete="off"
        spellCheck={false}
        // The form below is drawn anew for each type; half a name is none.
        onChange={event => {
          setText(event.target.value)
          if (names.includes(event.target.value)) onChange(event.target.value)
        }}
        onBlur={() => onChange(text.trim())}
      />
      <datalist id={`${id}-types`}>
        {names.map(name => (
          <option key={name} value={name} />
        ))}
      </datalist>
      {isUnknown ? (
        <small className="hint">No live worker says that it runs this type; the task would wait for one.</small>
      ) : null}
      {names.length === 0 ? (
        <small className="hint">No worker has registered its types yet; any name can be submitted.</small>
      ) : null}
    </div>
  )
}

interface PayloadProps {
  readonly draft: Draft
  readonly onChange: (payload: Json) => void
  readonly onFault: (fault: string | null) => void
}

function Payload({ draft, onChange, onFault }: PayloadProps) {
  const { schemaOf } = useKnownTypes()
  const schema = schemaOf(draft.type)
  const isDrawn = canDraw(schema) && schema.type === 'object'
  const [tab, setTab] = useState<'form' | 'json' | null>(null)
  const shown = tab ?? (isDrawn ? 'form' : 'json')
  const id = useId()
  if (draft.type === '') return null
  return (
    <Tabs.Root
      value={shown}
      onValueChange={next => {
        onFault(null)
        setTab(next === 'json' ? 'json' : 'form')
      }}
    >
      <div className="field-head">
        <span>Payload</span>
        <Tabs.List className="segments" aria-label="How to write the payload">
          <Tabs.Trigger value="form" className="segment" disabled={!isDrawn}>
            Form
          </Tabs.Trigger>
          <Tabs.Trigger value="json" className="segment">
            JSON
          </Tabs.Trigger>
        </Tabs.List>
      </div>
      <Tabs.Content value="form" className="stack" tabIndex={-1}>
        {isDrawn ? <SchemaForm schema={schema} value={draft.payload} onChange={onChange} /> : null}
      </Tabs.Content>
      <Tabs.Content value="json" tabIndex={-1}>
        <JsonField id={id} label="As JSON" value={draft.payload} onChange={onChange} onFault={onFault} rows={7} />
      </Tabs.Content>
    </Tabs.Root>
  )
}

function Options({ draft, onChange }: { readonly draft: Draft; readonly onChange: (changes: Partial<Draft>) => void }) {
  const { data: queues } = useQuery(queuesQuery)
  const id = useId()
  const isOpen = draft.delay !== '' || draft.dependencies !== '' || draft.labels !== '' || draft.queue !== ''
  return (
    <>
      <label className="field">
        <span>
          Priority <strong>{draft.priority ?? 'default'}</strong> <span className="faint">1 is last, 10 is first</span>
        </span>
        <input
          type="range"
          min={1}
          max={10}
          step={1}
          value={draft.priority ?? 5}
          onChange={event => onChange({ priority: Number(event.target.value) })}
        />
      </label>
      <details className="more-options" open={isOpen}>
        <summary>More</summary>
        <div className="stack">
          <div className="two">
            <Text label="Name" value={draft.name} max={256} onChange={name => onChange({ name })} />
            <div className="field">
              <label htmlFor={id}>Queue</label>
              <input
                id={id}
                list={`${id}-queues`}
                value={draft.queue}
                placeholder="default"
                maxLength={128}
                onChange={event => onChange({ queue: event.target.value })}
              />
              <datalist id={`${id}-queues`}>
                {queues?.map(queue => (
                  <option key={queue.name} value={queue.name} />
                ))}
              </datalist>
            </div>
            <Numeric label="Delay, seconds" value={draft.delay} onChange={delay => onChange({ delay })} />
            <Numeric
              label="Time limit, seconds"
              value={draft.timeout}
              hint="300"
              onChange={timeout => onChange({ timeout })}
            />
            <Numeric label="Retries" value={draft.retries} hint="5" onChange={retries => onChange({ retries })} />
            <Text label="Idempotency key" value={draft.key} max={256} onChange={key => onChange({ key })} />
          </div>
          <Text
            label="Runs after"
            value={draft.dependencies}
            hint="Ids of tasks, with spaces or commas"
            onChange={dependencies => onChange({ dependencies })}
          />
          <Text
            label="Labels"
            value={draft.labels}
            hint="customer:42, urgent"
            onChange={labels => onChange({ labels })}
          />
        </div>
      </details>
    </>
  )
}

interface TextProps {
  readonly label: string
  readonly value: string
  readonly hint?: string
  readonly max?: number
  readonly onChange: (value: string) => void
}

function Text({ label, value, hint, max, onChange }: TextProps) {
  return (
    <label className="field">
      <span>{label}</span>
      <input
        value={value}
        placeholder={hint}
        maxLength={max}
        spellCheck={false}
        onChange={event => onChange(event.target.value)}
      />
    </label>
  )
}

function Numeric({ label, value, hint, onChange }: TextProps) {
  return (
    <label className="field">
      <span>{label}</span>
      <input
        type="number"
        min={0}
        step="any"
        value={value}
        placeholder={hint}
        onChange={event => onChange(event.target.value)}
      />
    </label>
  )
}

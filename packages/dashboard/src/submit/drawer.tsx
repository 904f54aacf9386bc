import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import type { Task } from '@tasklane/protocol'
import { TriangleAlert } from 'lucide-react'
import { type FormEvent, useDeferredValue, useEffect, useId, useMemo, useRef, useState } from 'react'
import { send } from '../api/http.ts'
import { meQuery } from '../api/queries.ts'
import { Button, Segments } from '../parts/basic.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { toast } from '../shell/toasts.tsx'
import { CodeTabs } from './code-tabs.tsx'
import {
  bodyOf,
  type Draft,
  emptyDraft,
  forgetDraft,
  isEmptyDraft,
  keepDraft,
  keptDraft,
  submitDrawer,
} from './drafts.ts'
import { FaultsContext, faultsOf, faultText } from './faults.ts'
import { useKnownTypes } from './known-types.ts'
import { Options } from './options.tsx'
import { Payload } from './payload-field.tsx'
import { SubmitMany } from './submit-many.tsx'
import { TypeField } from './type-field.tsx'
import { type ValueFault, validate } from './validate.ts'
import './submit.css'

const ways = [
  ['One', 0],
  ['Many', 1],
] as const

/** Tasks from a form: the type's own schema draws the fields of a payload. */
export function SubmitDrawer({ draft: first }: { readonly draft: Draft }) {
  const { draft, set, isRestored, startAfresh, finish } = useDraft(first)
  const [way, setWay] = useState<number>(0)
  const [version, setVersion] = useState(0)
  const formId = useId()
  const form = useSubmit(draft, finish)
  const close = () => submitDrawer.set(null)
  const foot =
    way === 1 ? (
      <Button onClick={close}>Close</Button>
    ) : (
      <Foot formId={formId} isOff={form.isBusy || form.syntax !== null} onStay={form.setStays} onClose={close} />
    )
  return (
    <Dialog
      title={draft.origin === null ? 'Submit a task' : 'Run it again'}
      isOpen
      isDrawer
      onClose={close}
      foot={foot}
    >
      {isRestored ? (
        <p className="restored faint">
          What you had begun is here again.{' '}
          <Button
            isSmall
            look="ghost"
            onClick={() => {
              startAfresh()
              setVersion(version + 1)
            }}
          >
            Start afresh
          </Button>
        </p>
      ) : null}
      {draft.origin === null ? (
        <Segments<number> legend="How many" choices={ways} value={way} onChoose={setWay} />
      ) : null}
      <FaultsContext value={form.faults}>
        <form key={version} id={formId} noValidate onSubmit={event => void form.submit(event)} className="stack">
          {way === 0 ? <Refusals faults={form.refusals} onAnyway={form.isHeldBack ? form.submitAnyway : null} /> : null}
          <TypeField
            value={draft.type}
            onChange={type => set(type === draft.type ? {} : { type, payload: keptPayload(draft) })}
          />
          {way === 0 && draft.type !== '' ? (
            <Payload
              key={draft.type}
              draft={draft}
              schema={form.schema}
              faults={form.payloadFaults}
              onChange={payload => set({ payload })}
              onSyntax={form.setSyntax}
            />
          ) : null}
          <Options draft={draft} onChange={set} />
        </form>
      </FaultsContext>
      {way === 1 ? <SubmitMany base={bodyOf(draft)} /> : null}
      {way === 1 || draft.type === '' ? null : (
        <details className="code-details">
          <summary>The same as a command or a program</summary>
          <CodeTabs body={bodyOf(draft)} />
        </details>
      )}
    </Dialog>
  )
}

/** A payload that was written for no type yet goes along; that of another type does not fit. */
function keptPayload(draft: Draft): Draft['payload'] {
  return draft.type === '' ? draft.payload : null
}

function useDraft(first: Draft) {
  const { data: me } = useQuery(meQuery)
  const who = me?.name ?? ''
  const [kept] = useState(() => (isEmptyDraft(first) ? keptDraft(who) : null))
  const [draft, setDraft] = useState(kept ?? first)
  const [isRestored, setRestored] = useState(kept !== null && !isEmptyDraft(kept))
  const isDone = useRef(false)
  const latest = useRef(draft)
  latest.current = draft
  // Kept once, when the drawer closes: a payload may be large, and a keystroke is to be cheap.
  useEffect(
    () => () => {
      // What was submitted is no draft any more.
      if (isDone.current || isEmptyDraft(latest.current)) forgetDraft()
      else keepDraft(who, latest.current)
    },
    [who],
  )
  return {
    draft,
    isRestored,
    set: (changes: Partial<Draft>) => setDraft(old => ({ ...old, ...changes })),
    finish: () => {
      isDone.current = true
    },
    startAfresh: () => {
      setDraft(emptyDraft)
      setRestored(false)
    },
  }
}

function useSubmit(draft: Draft, onDone: () => void) {
  const client = useQueryClient()
  const navigate = useNavigate()
  const { of } = useKnownTypes()
  const schema = of(draft.type)?.schema
  const [refused, setRefused] = useState<readonly ValueFault[]>([])
  const [touched, setTouched] = useState<ReadonlySet<string>>(new Set())
  const [hasTried, setTried] = useState(false)
  const [isBusy, setBusy] = useState(false)
  const [syntax, setSyntax] = useState<string | null>(null)
  const stays = useRef(false)
  const payload = useDeferredValue(draft.payload)
  const payloadFaults = useMemo(
    () => inPayload(validate(schema, payload ?? (schema === undefined ? null : {}))),
    [schema, payload],
  )
  const isHeldBack = hasTried && payloadFaults.length > 0
  const shown = hasTried ? payloadFaults : payloadFaults.filter(fault => touched.has(fault.pointer))

  const post = async () => {
    setBusy(true)
    setRefused([])
    try {
      const task = await send<Task>('POST', 'api/tasks', bodyOf(draft))
      void client.invalidateQueries({ queryKey: ['stats'] })
      void client.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] === 'tasks' && queryKey[1] !== 'list' })
      toast('good', `Submitted ${task.name ?? task.task_type}.`)
      setTried(false)
      if (stays.current) return setBusy(false)
      client.setQueryData(['task', task.task_id], task)
      onDone()
      submitDrawer.set(null)
      await navigate({ to: '/tasks/$id', params: { id: task.task_id } })
    } catch (error) {
      setRefused(faultsOf(error))
      setBusy(false)
    }
  }
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    setTried(true)
    if (draft.type === '') return setRefused([{ pointer: '/task_type', detail: 'Choose what should run.' }])
    if (schema !== undefined && payloadFaults.length > 0) return focusFault(event.currentTarget)
    await post()
  }
  return {
    submit,
    submitAnyway: () => void post(),
    isHeldBack,
    isBusy,
    schema,
    syntax,
    setSyntax,
    payloadFaults: hasTried || touched.size > 0 || draft.payload !== null ? payloadFaults : [],
    refusals: [...refused, ...(hasTried ? payloadFaults : [])],
    setStays: (isStaying: boolean) => {
      stays.current = isStaying
    },
    faults: {
      all: [...refused, ...shown],
      onTouch: (pointer: string) => setTouched(old => (old.has(pointer) ? old : new Set([...old, pointer]))),
    },
  }
}

function inPayload(faults: readonly ValueFault[]): readonly ValueFault[] {
  return faults.map(({ pointer, detail }) => ({ pointer: `/payload${pointer}`, detail }))
}

/** After the paint that marks them. */
function focusFault(form: EventTarget): void {
  setTimeout(() => {
    if (form instanceof HTMLElement) form.querySelector<HTMLElement>('[aria-invalid=true]')?.focus()
  })
}

const refusalsShown = 6

function Refusals({
  faults,
  onAnyway,
}: {
  readonly faults: readonly ValueFault[]
  readonly onAnyway: (() => void) | null
}) {
  if (faults.length === 0) return null
  return (
    <div className="fault" role="alert">
      <TriangleAlert size={15} aria-hidden="true" />
      <div className="refusals">
        <ul>
          {faults.slice(0, refusalsShown).map(fault => (
            <li key={fault.pointer + fault.detail}>{faultText(fault)}</li>
          ))}
          {faults.length > refusalsShown ? <li>and {faults.length - refusalsShown} more</li> : null}
        </ul>
        {onAnyway === null ? null : (
          <p>
            The payload does not fit the schema of its type, so that a worker will most likely refuse it.{' '}
            <Button isSmall onClick={onAnyway}>
              Submit anyway
            </Button>
          </p>
        )}
      </div>
    </div>
  )
}

interface FootProps {
  readonly formId: string
  readonly isOff: boolean
  readonly onStay: (isStaying: boolean) => void
  readonly onClose: () => void
}

function Foot({ formId, isOff, onStay, onClose }: FootProps) {
  const submitAndStay = () => {
    onStay(true)
    const form = document.getElementById(formId)
    if (form instanceof HTMLFormElement) form.requestSubmit()
  }
  return (
    <>
      <Button onClick={onClose}>Close</Button>
      <span className="push" />
      {/* No submit button: Enter in a field presses the first of these, and that is the one below. */}
      <Button disabled={isOff} onClick={submitAndStay}>
        Submit, and another
      </Button>
      <Button look="primary" type="submit" form={formId} disabled={isOff} onClick={() => onStay(false)}>
        Submit and watch
      </Button>
    </>
  )
}

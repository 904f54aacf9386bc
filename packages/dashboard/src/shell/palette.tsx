import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import type { Me } from '@tasklane/protocol'
import { Command } from 'cmdk'
import { ArrowRight, Cpu, History, ListChecks, type LucideIcon, Moon, Plus, Rows3, Webhook } from 'lucide-react'
import { type KeyboardEvent, useDeferredValue, useEffect, useRef, useState } from 'react'
import { fewTasksQuery, openAlertsQuery, queuesQuery, workersQuery } from '../api/queries.ts'
import { Modal } from '../parts/modal.tsx'
import { Severity } from '../parts/severity.tsx'
import { StateIcon } from '../parts/state.tsx'
import { emptyDraft, submitDrawer } from '../submit/drafts.ts'
import { mayOf } from './me.ts'
import { paletteScore } from './palette-score.ts'
import { isDark, setPreferences } from './preferences.ts'

interface PaletteProps {
  readonly me: Me
  readonly places: readonly { readonly to: string; readonly text: string; readonly icon: LucideIcon }[]
  readonly onClose: () => void
}

/** Parts of a page that people look for by their own names. */
const alertPages = [
  { tab: 'history', name: 'History of alerts', icon: History, access: 'alerts.read' },
  { tab: 'rules', name: 'Rules of alerts', icon: ListChecks, access: 'alerts.read' },
  { tab: 'channels', name: 'Channels of alerts', icon: Webhook, access: 'alerts.manage' },
] as const

export function Palette({ me, places, onClose }: PaletteProps) {
  const navigate = useNavigate()
  const [text, setText] = useState('')
  const q = useDeferredValue(text.trim())
  const tasks = useQuery({ ...fewTasksQuery({ q }, 8), enabled: q.length > 1 && mayOf(me, 'tasks.read') })
  const queues = useQuery({ ...queuesQuery, enabled: mayOf(me, 'queues.read') })
  const workers = useQuery({ ...workersQuery, enabled: mayOf(me, 'workers.read') })
  const alerts = useQuery({ ...openAlertsQuery, enabled: mayOf(me, 'alerts.read') })
  const walk = useFirst(tasks.data)
  const firing = (alerts.data?.alerts ?? []).filter(alert => alert.state === 'firing')
  const go = (act: () => void) => () => {
    onClose()
    act()
  }
  return (
    <Modal label="Search, jump, act" className="palette" onClose={onClose}>
      <Command label="Search, jump, act" loop filter={paletteScore} {...walk.ofCommand}>
        <Command.Input
          value={text}
          onValueChange={walk.anew(setText)}
          placeholder="A task, a queue, a worker, a page…"
        />
        <Command.List ref={walk.list} onPointerMove={walk.begin}>
          <Command.Empty>Nothing found.</Command.Empty>
          {(tasks.data ?? []).length > 0 ? (
            <Command.Group heading="Tasks">
              {tasks.data?.map(task => (
                <Command.Item
                  key={task.task_id}
                  value={`task ${task.task_id} ${task.name ?? ''} ${task.task_type} ${q}`}
                  onSelect={go(() => void navigate({ to: '/tasks/$id', params: { id: task.task_id } }))}
                >
                  <StateIcon state={task.status} />
                  <span className="clip" dir="auto">
                    {task.name ?? task.task_type}
                  </span>
                  <code className="faint clip">{task.task_id}</code>
                </Command.Item>
              ))}
            </Command.Group>
          ) : null}
          <Command.Group heading="Pages">
            {places.map(({ to, text: name, icon: Icon }) => (
              <Command.Item key={to} value={`go to ${name.toLowerCase()}`} onSelect={go(() => void navigate({ to }))}>
                <Icon size={15} aria-hidden="true" /> {name}
                <ArrowRight size={13} aria-hidden="true" className="faint push" />
              </Command.Item>
            ))}
            {alertPages
              .filter(({ access }) => mayOf(me, access))
              .map(({ tab, name, icon: Icon }) => (
                <Command.Item
                  key={tab}
                  value={`go to ${name.toLowerCase()}`}
                  onSelect={go(() => void navigate({ to: '/alerts', search: { tab } }))}
                >
                  <Icon size={15} aria-hidden="true" /> {name}
                  <ArrowRight size={13} aria-hidden="true" className="faint push" />
                </Command.Item>
              ))}
          </Command.Group>
          {firing.length > 0 ? (
            <Command.Group heading="Alerts that fire">
              {firing.slice(0, 20).map(alert => (
                <Command.Item
                  key={alert.alert_id}
                  value={`alert ${alert.alert_id} ${alert.rule} ${alert.detail}`}
                  onSelect={go(() => void navigate({ to: '/alerts', search: { alert: alert.alert_id } }))}
                >
                  <Severity severity={alert.severity} /> <span className="clip">{alert.detail}</span>
                </Command.Item>
              ))}
            </Command.Group>
          ) : null}
          <Command.Group heading="Actions">
            {mayOf(me, 'tasks.submit') ? (
              <Command.Item value="submit a task new" onSelect={go(() => submitDrawer.set(emptyDraft))}>
                <Plus size={15} aria-hidden="true" /> Submit a task
              </Command.Item>
            ) : null}
            <Command.Item
              value="theme dark light"
              onSelect={go(() => setPreferences({ theme: isDark() ? 'light' : 'dark' }))}
            >
              <Moon size={15} aria-hidden="true" /> Dark or light
            </Command.Item>
          </Command.Group>
          <Command.Group heading="Queues and workers">
            {queues.data?.slice(0, 50).map(({ name }) => (
              <Command.Item
                key={name}
                value={`queue ${name}`}
                onSelect={go(() => void navigate({ to: '/queues/$name', params: { name } }))}
              >
                <Rows3 size={15} aria-hidden="true" /> <span className="clip">Queue {name}</span>
              </Command.Item>
            ))}
            {workers.data?.slice(0, 50).map(({ worker_id }) => (
              <Command.Item
                key={worker_id}
                value={`worker ${worker_id}`}
                onSelect={go(() => void navigate({ to: '/workers/$id', params: { id: worker_id } }))}
              >
                <Cpu size={15} aria-hidden="true" /> <span className="clip">Worker {worker_id}</span>
              </Command.Item>
            ))}
          </Command.Group>
        </Command.List>
      </Command>
    </Modal>
  )
}

const walkKeys: readonly string[] = ['ArrowDown', 'ArrowUp', 'Home', 'End']

/** What Enter takes is the first of the list, also when better ones come in late, until somebody walks along it. */
function useFirst(late: unknown) {
  const [value, setValue] = useState('')
  const list = useRef<HTMLDivElement>(null)
  const hasWalked = useRef(false)
  const begin = () => {
    hasWalked.current = true
  }
  // biome-ignore lint/correctness/useExhaustiveDependencies: the list is in the document, in its order
  useEffect(() => {
    const first = list.current?.querySelector('[cmdk-item]')?.getAttribute('data-value')
    if (!hasWalked.current && typeof first === 'string') setValue(first)
  }, [late])
  return {
    list,
    begin,
    anew: (set: (text: string) => void) => (text: string) => {
      hasWalked.current = false
      set(text)
    },
    ofCommand: {
      value,
      onValueChange: setValue,
      onKeyDown: (event: KeyboardEvent) => (walkKeys.includes(event.key) || event.ctrlKey ? begin() : undefined),
    },
  }
}

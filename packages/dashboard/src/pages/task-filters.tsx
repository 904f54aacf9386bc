import { useQuery } from '@tanstack/react-query'
import { taskStates } from '@tasklane/protocol'
import { Check, ChevronDown, Search, X } from 'lucide-react'
import { DropdownMenu, Popover } from 'radix-ui'
import { useEffect, useId, useState } from 'react'
import { queuesQuery, typesQuery, workersQuery } from '../api/queries.ts'
import { Button } from '../parts/basic.tsx'
import { StateIcon, stateText } from '../parts/state.tsx'
import { useMay } from '../shell/me.ts'
import { isFiltered, spans, type TaskSearch } from './task-filter.ts'

interface BarProps {
  readonly search: TaskSearch
  readonly onChange: (search: TaskSearch) => void
}

/** The filters are the address: a view is shared by its link and comes back by a reload. */
export function FilterBar({ search, onChange }: BarProps) {
  const types = useTypeNames()
  const { data: queues } = useQuery(queuesQuery)
  const { data: workers } = useQuery(workersQuery)
  const set = (name: keyof TaskSearch, value: string) => {
    const { [name]: _old, ...rest } = search
    onChange(value === '' ? rest : { ...rest, [name]: value })
  }
  return (
    <search className="filters">
      <SearchField value={search.q ?? ''} onChange={value => set('q', value)} />
      <StateMenu value={search.status ?? ''} onChange={value => set('status', value)} />
      <TextFilter name="Type" value={search.type} options={types} onChange={value => set('type', value)} />
      <TextFilter
        name="Queue"
        value={search.queue}
        options={(queues ?? []).map(queue => queue.name)}
        onChange={value => set('queue', value)}
      />
      <TextFilter
        name="Worker"
        value={search.worker}
        options={(workers ?? []).map(worker => worker.worker_id)}
        onChange={value => set('worker', value)}
      />
      <TextFilter
        name="Label"
        value={search.label}
        options={[]}
        hint="key:value"
        onChange={value => set('label', value)}
      />
      <PriorityFilter search={search} onChange={onChange} />
      <SinceMenu value={search.since ?? ''} onChange={value => set('since', value)} />
      {search.fingerprint === undefined ? null : (
        <button type="button" className="filter filter-on" onClick={() => set('fingerprint', '')}>
          One kind of failure <X size={13} aria-label="Remove" />
        </button>
      )}
      {isFiltered(search) ? (
        <Button look="ghost" isSmall onClick={() => onChange(search.sort === undefined ? {} : { sort: search.sort })}>
          Clear
        </Button>
      ) : null}
    </search>
  )
}

/** From the scheduler where it lists them, otherwise from what live workers say they can run. */
export function useTypeNames(): readonly string[] {
  // Who may not submit is not told the types; the workers say them, too.
  const maySubmit = useMay('tasks.submit')
  const { data: types } = useQuery({ ...typesQuery, enabled: maySubmit })
  const { data: workers } = useQuery(workersQuery)
  if (types !== undefined) return types.map(type => type.task_type)
  return [...new Set((workers ?? []).flatMap(worker => worker.capabilities))].filter(name => name !== '*').sort()
}

function SearchField({ value, onChange }: { readonly value: string; readonly onChange: (value: string) => void }) {
  const [text, setText] = useState(value)
  useEffect(() => setText(value), [value])
  useEffect(() => {
    if (text === value) return
    const timer = setTimeout(() => onChange(text), 250)
    return () => clearTimeout(timer)
  }, [text, value, onChange])
  return (
    <label className="search-field">
      <Search size={15} aria-hidden="true" />
      <span className="offscreen">Search in id, name and type</span>
      <input
        data-search
        type="search"
        placeholder="Id, name or type"
        value={text}
        onChange={event => setText(event.target.value)}
        maxLength={256}
        spellCheck={false}
      />
    </label>
  )
}

function StateMenu({ value, onChange }: { readonly value: string; readonly onChange: (value: string) => void }) {
  const chosen = value === '' ? [] : value.split(',')
  const toggle = (state: string) =>
    onChange((chosen.includes(state) ? chosen.filter(each => each !== state) : [...chosen, state]).join(','))
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger className={chosen.length > 0 ? 'filter filter-on' : 'filter'}>
        State{chosen.length > 0 ? `: ${chosen.join(', ')}` : ''} <ChevronDown size={13} aria-hidden="true" />
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className="menu" align="start" sideOffset={6}>
          {taskStates.map(state => (
            <DropdownMenu.CheckboxItem
              key={state}
              className="menu-item"
              checked={chosen.includes(state)}
              onSelect={event => event.preventDefault()}
              onCheckedChange={() => toggle(state)}
            >
              <span className="menu-tick">
                <DropdownMenu.ItemIndicator>
                  <Check size={14} aria-hidden="true" />
                </DropdownMenu.ItemIndicator>
              </span>
              <StateIcon state={state} /> {stateText(state)}
            </DropdownMenu.CheckboxItem>
          ))}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  )
}

interface TextFilterProps {
  readonly name: string
  readonly value: string | undefined
  readonly options: readonly string[]
  readonly hint?: string
  readonly onChange: (value: string) => void
}

/** A field with completion from what the scheduler knows of; anything else may be typed as well. */
function TextFilter({ name, value, options, hint, onChange }: TextFilterProps) {
  const [isOpen, setOpen] = useState(false)
  const [text, setText] = useState('')
  const id = useId()
  const found = options.filter(option => option.toLowerCase().includes(text.toLowerCase())).slice(0, 60)
  const choose = (next: string) => {
    onChange(next.trim())
    setOpen(false)
  }
  return (
    <Popover.Root
      open={isOpen}
      onOpenChange={open => {
        setOpen(open)
        setText(open ? (value ?? '') : '')
      }}
    >
      <Popover.Trigger className={value === undefined ? 'filter' : 'filter filter-on'}>
        {name}
        {value === undefined ? '' : `: ${value}`} <ChevronDown size={13} aria-hidden="true" />
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          className="menu popover"
          align="start"
          sideOffset={6}
          aria-label={`Filter by ${name.toLowerCase()}`}
        >
          <form
            onSubmit={event => {
              event.preventDefault()
              choose(text)
            }}
          >
            <label className="offscreen" htmlFor={id}>
              {name}
            </label>
            <input
              id={id}
              value={text}
              placeholder={hint ?? `${name}…`}
              onChange={event => setText(event.target.value)}
              spellCheck={false}
              autoComplete="off"
            />
          </form>
          <div className="options">
            {value === undefined ? null : (
              <button type="button" className="menu-item faint" onClick={() => choose('')}>
                <X size={13} aria-hidden="true" /> Any {name.toLowerCase()}
              </button>
            )}
            {(text === value ? options.slice(0, 60) : found).map(option => (
              <button type="button" key={option} className="menu-item" onClick={() => choose(option)}>
                <span className="clip">{option}</span>
              </button>
            ))}
          </div>
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  )
}

function PriorityFilter({ search, onChange }: BarProps) {
  const { pmin = '', pmax = '', ...rest } = search
  const set = (low: string, high: string) =>
    onChange({ ...rest, ...(low === '' ? {} : { pmin: low }), ...(high === '' ? {} : { pmax: high }) })
  const isOn = pmin !== '' || pmax !== ''
  return (
    <Popover.Root>
      <Popover.Trigger className={isOn ? 'filter filter-on' : 'filter'}>
        Priority{isOn ? `: ${pmin || 1}–${pmax || 10}` : ''} <ChevronDown size={13} aria-hidden="true" />
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content className="menu popover" align="start" sideOffset={6} aria-label="Filter by priority">
          <div className="range">
            <label className="field">
              <span>From</span>
              <input type="number" min={1} max={10} value={pmin} onChange={event => set(event.target.value, pmax)} />
            </label>
            <label className="field">
              <span>To</span>
              <input type="number" min={1} max={10} value={pmax} onChange={event => set(pmin, event.target.value)} />
            </label>
          </div>
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  )
}

function SinceMenu({ value, onChange }: { readonly value: string; readonly onChange: (value: string) => void }) {
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger className={value === '' ? 'filter' : 'filter filter-on'}>
        {value === '' ? 'Created' : (spans[value]?.[0] ?? value)} <ChevronDown size={13} aria-hidden="true" />
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className="menu" align="start" sideOffset={6}>
          <DropdownMenu.Item className="menu-item" onSelect={() => onChange('')}>
            Any time
          </DropdownMenu.Item>
          {Object.entries(spans).map(([key, [text]]) => (
            <DropdownMenu.Item key={key} className="menu-item" onSelect={() => onChange(key)}>
              {text}
            </DropdownMenu.Item>
          ))}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  )
}

import { type GraphNode, isFinished, type TaskState } from '@tasklane/protocol'
import {
  ArrowDown,
  ArrowRight,
  Ban,
  ChevronDown,
  ChevronUp,
  Crosshair,
  Layers,
  List,
  Route,
  Ungroup,
  Waypoints,
} from 'lucide-react'
import { useState } from 'react'
import { type Asked, BulkDialog } from '../pages/task-actions.tsx'
import { Button } from '../parts/basic.tsx'
import { exactCount } from '../parts/format.ts'
import { StateIcon, stateText } from '../parts/state.tsx'
import { useMay } from '../shell/me.ts'
import type { Direction } from './layout.ts'
import { countStates } from './looks.ts'

export interface Choices {
  readonly view: 'graph' | 'list'
  /** Null: as it is seen larger. */
  readonly direction: Direction | null
  readonly isFollowing: boolean
  readonly isCritical: boolean
  readonly states: ReadonlySet<TaskState>
  readonly text: string
}

interface ToolsProps {
  readonly nodes: readonly GraphNode[]
  readonly choices: Choices
  readonly direction: Direction
  readonly change: (changes: Partial<Choices>) => void
  /** Null: there are too few to draw any as one. */
  readonly isCollapsed: boolean | null
  readonly onCollapse: (isCollapsed: boolean) => void
  readonly hits: readonly string[]
  readonly onHit: (id: string) => void
}

/** What is looked for, and how it is shown. */
export function Tools(props: ToolsProps) {
  return (
    <div className="graph-tools">
      <StateFilter {...props} />
      <Search {...props} />
      <Switches {...props} />
    </div>
  )
}

function StateFilter({ nodes, choices: { states }, change }: ToolsProps) {
  const toggle = (state: TaskState) => {
    const next = new Set(states)
    if (!next.delete(state)) next.add(state)
    change({ states: next })
  }
  // A state that was chosen stays there to be let go, also when nothing is in it any more.
  const counts = new Map([...[...states].map(state => [state, 0] as const), ...countStates(nodes)])
  return (
    <fieldset className="graph-states">
      <legend className="offscreen">Show only these states</legend>
      {[...counts].map(([state, count]) => (
        <button
          type="button"
          key={state}
          className="graph-state"
          aria-pressed={states.has(state)}
          onClick={() => toggle(state)}
        >
          <StateIcon state={state} size={13} />
          {stateText(state)} <span className="number">{exactCount(count)}</span>
        </button>
      ))}
    </fieldset>
  )
}

function Search({ choices: { text }, change, hits, onHit }: ToolsProps) {
  const [at, setAt] = useState(-1)
  const go = (step: number) => {
    if (hits.length === 0) return
    const next = (at + step + hits.length) % hits.length
    setAt(next)
    const id = hits[next]
    if (id !== undefined) onHit(id)
  }
  return (
    <div className="graph-search">
      <input
        type="search"
        data-search
        aria-label="Find a task in the graph"
        placeholder="Find a task…"
        value={text}
        spellCheck={false}
        onChange={event => {
          setAt(-1)
          change({ text: event.target.value })
        }}
        onKeyDown={event => {
          if (event.key === 'Enter') go(event.shiftKey ? -1 : 1)
        }}
      />
      {text.trim() === '' ? null : (
        <>
          <span className="faint number" role="status">
            {hits.length === 0 ? 'none' : `${at + 1} of ${exactCount(hits.length)}`}
          </span>
          <Button look="ghost" isSmall icon={ChevronUp} label="The one before" onClick={() => go(-1)} />
          <Button look="ghost" isSmall icon={ChevronDown} label="The next" onClick={() => go(1)} />
        </>
      )}
    </div>
  )
}

function Switches({ nodes, choices, direction, change, isCollapsed, onCollapse }: ToolsProps) {
  const { view, isFollowing, isCritical } = choices
  const isPicture = view === 'graph'
  return (
    <div className="graph-switches">
      {isPicture && isCollapsed !== null ? (
        <Button isSmall icon={isCollapsed ? Ungroup : Layers} onClick={() => onCollapse(!isCollapsed)}>
          {isCollapsed ? 'Show all' : 'Group alike'}
        </Button>
      ) : null}
      <Button
        isSmall
        icon={Route}
        aria-pressed={isCritical}
        title="The chain that takes the longest, by measured and expected run times"
        onClick={() => change({ isCritical: !isCritical })}
      >
        Critical path
      </Button>
      {isPicture ? (
        <>
          <Button
            isSmall
            icon={Crosshair}
            aria-pressed={isFollowing}
            onClick={() => change({ isFollowing: !isFollowing })}
          >
            Follow what runs
          </Button>
          <Button
            isSmall
            icon={direction === 'LR' ? ArrowRight : ArrowDown}
            label={direction === 'LR' ? 'Draw it downwards' : 'Draw it sidewards'}
            onClick={() => change({ direction: direction === 'LR' ? 'TB' : 'LR' })}
          />
        </>
      ) : null}
      <CancelRest nodes={nodes} />
      <Button
        isSmall
        icon={isPicture ? List : Waypoints}
        onClick={() => change({ view: isPicture ? 'list' : 'graph' })}
      >
        {isPicture ? 'List' : 'Picture'}
      </Button>
    </div>
  )
}

/** Counts before it asks; what has ended meanwhile is told by its verdict. */
function CancelRest({ nodes }: { readonly nodes: readonly GraphNode[] }) {
  const mayChange = useMay('tasks.change')
  const [asked, setAsked] = useState<Asked | null>(null)
  const left = nodes.filter(node => !isFinished(node.status)).length
  if (!mayChange || (left === 0 && asked === null)) return null
  const ask = () => {
    const ids = nodes.flatMap(node => (isFinished(node.status) ? [] : [node.task_id]))
    setAsked({ action: 'cancel', target: { ids } })
  }
  return (
    <>
      <Button isSmall icon={Ban} onClick={ask} title={`${exactCount(left)} have not ended`}>
        Cancel what is left
      </Button>
      {asked === null ? null : <BulkDialog asked={asked} onClose={() => setAsked(null)} />}
    </>
  )
}

import { useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { GraphNode, Task } from '@tasklane/protocol'
import { ExternalLink, RotateCcw, X } from 'lucide-react'
import { useState } from 'react'
import { send } from '../api/http.ts'
import { Button, CopyButton } from '../parts/basic.tsx'
import { Confirm } from '../parts/dialog.tsx'
import { plural } from '../parts/format.ts'
import { State, StateIcon } from '../parts/state.tsx'
import { Lasted, Time } from '../parts/time.tsx'
import { useMay } from '../shell/me.ts'
import { toast } from '../shell/toasts.tsx'
import { countStates } from './looks.ts'
import { type Item, type Structure, titleOf } from './structure.ts'

interface PeekProps {
  readonly item: Item
  readonly nodes: ReadonlyMap<string, GraphNode>
  readonly structure: Structure
  readonly onSelect: (id: string) => void
  readonly onOpenGroup: (item: Item) => void
  readonly onClose: () => void
}

/** What was chosen in the picture, beside it: enough to go on, and the way to all of it. */
export function Peek(props: PeekProps) {
  const { item, nodes, onClose } = props
  const node = item.isGroup ? undefined : nodes.get(item.id)
  return (
    <section className="peek" aria-label={`Chosen: ${item.title}`}>
      <header>
        <h2 className="clip">{item.isGroup ? `${plural(item.members.length, 'task')} ${item.title}` : item.title}</h2>
        <Button look="ghost" isSmall icon={X} label="Close the panel" onClick={onClose} />
      </header>
      {node === undefined ? <OfGroup {...props} /> : <OfTask {...props} node={node} />}
    </section>
  )
}

function OfTask({ node, nodes, structure, onSelect }: PeekProps & { readonly node: GraphNode }) {
  const id = node.task_id
  return (
    <div className="peek-body">
      <p className="peek-line">
        <State state={node.status} />
        <span className="faint">{node.task_type}</span>
      </p>
      <p className="peek-line">
        <code className="clip">{id}</code>
        <CopyButton text={id} label="Copy the id" />
      </p>
      <dl className="peek-facts">
        <dt>Began</dt>
        <dd>
          <Time at={node.started_at} />
        </dd>
        <dt>{node.completed_at === null ? 'Runs for' : 'Took'}</dt>
        <dd>
          <Lasted from={node.started_at} to={node.completed_at} />
        </dd>
      </dl>
      <p className="peek-actions">
        <Link to="/tasks/$id" params={{ id }} className="button button-primary button-small">
          <ExternalLink size={15} aria-hidden="true" /> Open the task
        </Link>
        <RetryFromHere node={node} nodes={nodes} structure={structure} />
      </p>
      <Neighbours name="Needs" ids={structure.parents.get(id) ?? []} nodes={nodes} onSelect={onSelect} />
      <Neighbours name="Needed by" ids={structure.children.get(id) ?? []} nodes={nodes} onSelect={onSelect} />
    </div>
  )
}

const neighboursMax = 50

function Neighbours(props: {
  readonly name: string
  readonly ids: readonly string[]
  readonly nodes: ReadonlyMap<string, GraphNode>
  readonly onSelect: (id: string) => void
}) {
  const { name, ids, nodes, onSelect } = props
  if (ids.length === 0) return null
  return (
    <>
      <h3>
        {name} <span className="faint">{ids.length}</span>
      </h3>
      <ul className="peek-list">
        {ids.slice(0, neighboursMax).map(id => {
          const node = nodes.get(id)
          return node === undefined ? null : (
            <li key={id}>
              <button type="button" className="gantt-name" onClick={() => onSelect(id)}>
                <StateIcon state={node.status} size={13} />
                <span className="clip">{titleOf(node)}</span>
              </button>
            </li>
          )
        })}
      </ul>
      {ids.length > neighboursMax ? <p className="faint">and {ids.length - neighboursMax} more</p> : null}
    </>
  )
}

function OfGroup({ item, nodes, onOpenGroup, onSelect }: PeekProps) {
  const members = item.members.flatMap(id => nodes.get(id) ?? [])
  const telling = members.filter(node => node.status === 'failed' || node.status === 'running').slice(0, 12)
  return (
    <div className="peek-body">
      <ul className="peek-counts">
        {countStates(members).map(([state, count]) => (
          <li key={state}>
            <State state={state} /> <span className="number">{count}</span>
          </li>
        ))}
      </ul>
      <p className="peek-actions">
        <Button isSmall look="primary" onClick={() => onOpenGroup(item)}>
          Open the group
        </Button>
      </p>
      {telling.length === 0 ? null : (
        <ul className="peek-list">
          {telling.map(node => (
            <li key={node.task_id}>
              <button type="button" className="gantt-name" onClick={() => onSelect(node.task_id)}>
                <StateIcon state={node.status} size={13} />
                <span className="clip">{titleOf(node)}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}

/** Of a task that ended badly: it runs again, and so does what was cancelled because of it. */
function RetryFromHere({ node, nodes, structure }: Pick<PeekProps, 'nodes' | 'structure'> & { node: GraphNode }) {
  const mayChange = useMay('tasks.change')
  const client = useQueryClient()
  const [isAsked, setAsked] = useState(false)
  if (!mayChange || (node.status !== 'failed' && node.status !== 'cancelled')) return null
  const below = cancelledBelow(node.task_id, nodes, structure)
  const retry = async () => {
    const path = `api/tasks/${encodeURIComponent(node.task_id)}/retry`
    await send<Task>('POST', path, { with_dependents: below > 0 })
    toast('good', below === 0 ? 'It runs again.' : `It runs again, and then ${plural(below, 'task')} below it.`)
    void client.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'me' })
  }
  return (
    <>
      <Button isSmall icon={RotateCcw} onClick={() => setAsked(true)}>
        Retry from here
      </Button>
      <Confirm
        title={`Retry ${titleOf(node)}?`}
        isOpen={isAsked}
        onClose={() => setAsked(false)}
        onConfirm={retry}
        verb={below === 0 ? 'Retry' : `Retry 1 + ${below}`}
      >
        <p>
          {below === 0
            ? 'It runs again, with a fresh budget of attempts.'
            : `It runs again, with a fresh budget of attempts. The ${plural(below, 'task')} that were cancelled below it wait for it again, unless they wait for another that failed.`}
        </p>
      </Confirm>
    </>
  )
}

function cancelledBelow(id: string, nodes: ReadonlyMap<string, GraphNode>, structure: Structure): number {
  const found = new Set<string>()
  const work = [id]
  for (const at of work) {
    for (const child of structure.children.get(at) ?? []) {
      if (found.has(child) || nodes.get(child)?.status !== 'cancelled') continue
      found.add(child)
      work.push(child)
    }
  }
  return found.size
}

import type { Node, NodeProps } from '@xyflow/react'
import { Layers } from 'lucide-react'
import { exactCount } from '../parts/format.ts'
import { StateIcon, stateText, toneOf } from '../parts/state.tsx'
import type { Look } from './looks.ts'
import type { Item } from './structure.ts'

export type BoxNode = Node<
  {
    readonly item: Item
    readonly look: Look
    readonly isSelf: boolean
    readonly isSelected: boolean
    /** One stop for the Tab key in the whole picture; the arrows go on from there. */
    readonly isStop: boolean
  },
  'box'
>

/** A task, or a group of tasks that are alike, near enough to be read. The picture listens for clicks and keys. */
export function NodeBox({ data: { item, look, isSelf, isSelected, isStop } }: NodeProps<BoxNode>) {
  const names = [
    'node',
    `node-${toneOf(look.state)}`,
    item.isGroup ? 'node-group' : '',
    isSelf ? 'node-self' : '',
    isSelected ? 'node-selected' : '',
    look.isDim ? 'node-dim' : '',
    look.isCritical ? 'node-critical' : '',
  ]
  return (
    <button
      type="button"
      className={names.filter(name => name !== '').join(' ')}
      data-state={look.state}
      data-item={item.id}
      tabIndex={isStop ? 0 : -1}
      aria-pressed={isSelected}
    >
      {item.isGroup ? (
        <Layers size={16} className={`tone-${toneOf(look.state)}`} aria-hidden="true" />
      ) : (
        <StateIcon state={look.state} size={16} />
      )}
      <span className="node-text">
        <span className="node-name">
          {item.isGroup ? `${exactCount(item.members.length)} × ${item.title}` : item.title}
        </span>
        <span className="offscreen">, </span>
        <span className="node-state">{item.isGroup ? countsText(look) : stateText(look.state)}</span>
      </span>
      {look.isCritical ? <span className="offscreen">, on the critical path</span> : null}
      {item.isGroup ? <Shares look={look} total={item.members.length} /> : null}
    </button>
  )
}

export function labelOf(item: Item, look: Look): string {
  const critical = look.isCritical ? ', on the critical path' : ''
  return item.isGroup
    ? `${exactCount(item.members.length)} tasks ${item.title}: ${countsText(look)}${critical}; press to open the group`
    : `${item.title}, ${stateText(look.state)}${critical}`
}

function countsText(look: Look): string {
  return look.counts.map(([state, count]) => `${exactCount(count)} ${stateText(state).toLowerCase()}`).join(', ')
}

function Shares({ look, total }: { readonly look: Look; readonly total: number }) {
  return (
    <span className="node-shares" aria-hidden="true">
      {look.counts.map(([state, count]) => (
        <span key={state} className={`fill-${toneOf(state)}`} style={{ flexGrow: count / total }} />
      ))}
    </span>
  )
}

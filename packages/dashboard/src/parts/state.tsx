import type { AttemptOutcome, TaskState, WorkerStatus } from '@tasklane/protocol'
import {
  Ban,
  CalendarClock,
  CircleCheck,
  CircleDashed,
  CircleX,
  Hourglass,
  LoaderCircle,
  Lock,
  type LucideIcon,
  PauseCircle,
  Skull,
  TimerOff,
  Undo2,
} from 'lucide-react'

export type AnyState = TaskState | AttemptOutcome | WorkerStatus | 'paused' | 'open'

const looks: Readonly<Record<AnyState, readonly [text: string, icon: LucideIcon, tone: string]>> = {
  blocked: ['Blocked', Lock, 'blocked'],
  scheduled: ['Scheduled', CalendarClock, 'scheduled'],
  pending: ['Pending', Hourglass, 'pending'],
  running: ['Running', LoaderCircle, 'running'],
  completed: ['Completed', CircleCheck, 'completed'],
  failed: ['Failed', CircleX, 'failed'],
  cancelled: ['Cancelled', Ban, 'cancelled'],
  timeout: ['Timed out', TimerOff, 'failed'],
  crashed: ['Crashed', Skull, 'failed'],
  released: ['Released', Undo2, 'cancelled'],
  active: ['Active', CircleCheck, 'completed'],
  draining: ['Draining', CircleDashed, 'pending'],
  lost: ['Lost', CircleX, 'failed'],
  paused: ['Paused', PauseCircle, 'pending'],
  open: ['Open', CircleCheck, 'completed'],
}

export function stateText(state: AnyState): string {
  return looks[state][0]
}

export function StateIcon({ state, size = 14 }: { readonly state: AnyState; readonly size?: number }) {
  const [, Icon, tone] = looks[state]
  return <Icon size={size} className={`tone-${tone} state-icon`} aria-hidden="true" />
}

/** Colour, icon and text, always all three. */
export function State({ state }: { readonly state: AnyState }) {
  const [text, Icon, tone] = looks[state]
  return (
    <span className={`state tone-${tone}`} data-state={state}>
      <Icon size={14} aria-hidden="true" className="state-icon" />
      {text}
    </span>
  )
}

export function toneOf(state: AnyState): string {
  return looks[state][2]
}

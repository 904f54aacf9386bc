import type { Json, Role, TaskState } from '@tasklane/protocol'

export interface Me {
  readonly name: string
  readonly role: Role
  readonly kind: 'open' | 'user' | 'token'
  readonly auth: 'open' | 'required' | 'off'
  readonly may: readonly string[]
  readonly expires_at?: string | null
}

export interface HistoryPoint {
  readonly at: string
  readonly submitted: number
  readonly completed: number
  readonly failed: number
  readonly cancelled: number
  readonly retried: number
  readonly wait_p95_ms: number | null
  readonly run_p95_ms: number | null
  readonly waiting: number
  readonly running: number
  readonly workers: number
  readonly slots: number
  readonly slots_used: number
}

export interface FailureGroup {
  readonly fingerprint: string
  readonly task_type: string
  readonly code: string
  readonly message: string
  readonly count: number
  readonly first_at: string
  readonly last_at: string
  readonly sample_task_id: string
  readonly queues?: readonly string[]
  readonly workers?: readonly string[]
}

export interface TaskType {
  readonly name: string
  readonly schema: Json | null
  readonly workers: number
}

/** What travels of a task that changed: enough to keep a row right. */
export interface TaskChange {
  readonly task_id: string
  readonly task_type?: string
  readonly queue?: string
  readonly status: TaskState
  readonly worker_id?: string | null
  readonly attempt?: number
  readonly progress?: { readonly percent: number; readonly message?: string } | null
}

export interface User {
  readonly name: string
  readonly role: Role
  readonly disabled: boolean
  readonly created_at: string
  readonly last_login_at?: string | null
}

export interface Token {
  readonly id: string
  readonly name: string
  readonly role: Role
  readonly queues: readonly string[] | null
  readonly types: readonly string[] | null
  readonly created_at: string
  readonly created_by?: string | null
  readonly expires_at: string | null
  readonly last_used_at?: string | null
}

export interface AuditEntry {
  readonly id: number | string
  readonly at: string
  readonly actor: string
  readonly action: string
  readonly subject: string | null
  readonly outcome?: string
  readonly address?: string | null
}

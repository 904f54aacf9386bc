/**
 * What somebody may do. `viewer` reads everything; `submitter` submits, and sees and moves its own tasks only; `operator`
 * does all with tasks, queues and workers; `worker` speaks the worker protocol and nothing else; `admin` may do all.
 */
export const roles = Object.freeze(['viewer', 'submitter', 'operator', 'worker', 'admin'] as const)

export type Role = (typeof roles)[number]

/** The reply to a login. */
export interface TokenReply {
  readonly access_token: string
  readonly token_type: 'bearer'
  /** Seconds. */
  readonly expires_in: number
  /** What the role may do, separated by spaces. */
  readonly scope: string
}

/** The reply to a login of a browser; the token is in its cookie. */
export interface SessionReply {
  readonly name: string
  readonly role: Role
  readonly expires_at: string
}

/** Who the caller is. */
export interface Me {
  readonly name: string | null
  readonly role: Role
  /** `open`: nobody had to say. */
  readonly kind: 'open' | 'user' | 'token'
  readonly auth: 'open' | 'required' | 'off'
  /** What a token is limited to; null is all. */
  readonly queues: readonly string[] | null
  readonly types: readonly string[] | null
  readonly expires_at: string | null
  readonly may: readonly string[]
}

export interface User {
  readonly name: string
  readonly role: Role
  readonly disabled: boolean
  readonly created_at: string
  readonly changed_at: string
}

export interface UserDraft {
  readonly name: string
  readonly password: string
  readonly role: Role
}

export interface UserChange {
  readonly role?: Role
  readonly disabled?: boolean
  readonly password?: string
  /** Ends all sessions of the user, as a new password, another role and disabling do. */
  readonly end_sessions?: boolean
}

export interface PasswordChange {
  readonly current: string
  readonly new: string
}

/** A service token, without its secret. */
export interface ServiceToken {
  readonly token_id: string
  readonly name: string
  readonly role: Role
  readonly queues: readonly string[] | null
  readonly types: readonly string[] | null
  readonly created_by: string | null
  readonly created_at: string
  readonly expires_at: string | null
  readonly revoked_at: string | null
  /** To the minute. */
  readonly last_used_at: string | null
  readonly status: 'active' | 'expired' | 'revoked'
}

/** Shown once. */
export interface NewServiceToken extends ServiceToken {
  readonly token: string
}

export interface ServiceTokenDraft {
  readonly name: string
  readonly role: Role
  readonly queues?: readonly string[] | null
  readonly types?: readonly string[] | null
  /** Seconds from now; null, or left out, never expires. */
  readonly expires_in?: number | null
}

export interface AuditEntry {
  readonly number: number
  readonly time: string
  readonly actor: string | null
  readonly action: string
  readonly subject: string | null
  readonly address: string | null
  /** `ok`, or the code of the refusal. */
  readonly outcome: string
  readonly request_id: string | null
}

export interface AuditPage {
  readonly entries: readonly AuditEntry[]
  readonly next_cursor: string | null
}

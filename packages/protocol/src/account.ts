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
  /** Where the trace of a task is looked at, with `{trace_id}` in it; null where this node was told of no such place. */
  readonly trace_url: string | null
  /** Logged in with the password that was printed at the first start: it is to be replaced. */
  readonly first_password: boolean
}

/** What anybody may know before a login: where it leads, and how one comes in. */
export interface Site {
  readonly auth: Me['auth']
  /** The name that the node was given for where it stands, such as `production`; null where it has none. */
  readonly environment: string | null
  /**
   * Nobody is set up yet but the user of the first start, whose password was `printed`, or comes from what the node was
   * `configured` with; `none`: there is no user at all, since nobody had to log in so far. Null once somebody is set up.
   */
  readonly first_start: 'printed' | 'configured' | 'none' | null
}

/** In place of the user of the first start. */
export interface FirstAdminDraft {
  readonly name: string
  readonly password: string
}

/** The node that answers, for who runs it. */
export interface About {
  readonly version: string
  readonly runtime: string
  readonly store: { readonly kind: string; readonly place: string | null }
  /** Nodes that share the store; null where that cannot be told. */
  readonly nodes: number | null
  readonly started_at: string
  readonly uptime_seconds: number
  readonly auth: Me['auth']
  readonly environment: string | null
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
  /** Why, in the words of who did it; null where nobody said. */
  readonly reason: string | null
}

export interface AuditPage {
  readonly entries: readonly AuditEntry[]
  readonly next_cursor: string | null
}

import fc from 'fast-check'

/**
 * What may happen to a store, as plain data that fast-check can shrink. Tasks and leases are named by how far back they
 * were submitted or handed out, so that commands meet what exists, and what has moved on since.
 */
export type Command =
  | { readonly kind: 'submit'; readonly groups: readonly (readonly DraftSpec[])[] }
  | ({ readonly kind: 'claim' } & ClaimSpec)
  | { readonly kind: 'settle'; readonly settles: readonly SettleSpec[] }
  | ({ readonly kind: 'beat' } & BeatSpec)
  | {
      readonly kind: 'exchange'
      readonly groups: readonly (readonly DraftSpec[])[]
      readonly settles: readonly SettleSpec[]
      readonly beats: readonly BeatSpec[]
      readonly claims: readonly ClaimSpec[]
    }
  | { readonly kind: 'cancel'; readonly tasks: readonly number[]; readonly reason: string | null }
  | { readonly kind: 'requeue'; readonly tasks: readonly number[]; readonly withDependents: boolean }
  | { readonly kind: 'reprioritise'; readonly tasks: readonly number[]; readonly priority: number }
  | { readonly kind: 'by_hand'; readonly tasks: readonly number[]; readonly result: string | null }
  | { readonly kind: 'remove'; readonly tasks: readonly number[] }
  | { readonly kind: 'promote'; readonly limit: number }
  | { readonly kind: 'reap' }
  | { readonly kind: 'unblock'; readonly limit: number }
  | { readonly kind: 'prune'; readonly keepMs: number }
  | { readonly kind: 'register'; readonly worker: number; readonly instance: number }
  | { readonly kind: 'drain'; readonly worker: number }
  | { readonly kind: 'deregister'; readonly worker: number }
  | {
      readonly kind: 'set_queue'
      readonly queue: number
      readonly isPaused: boolean
      readonly reason: string | null
      readonly by: string | null
    }
  | { readonly kind: 'append_logs'; readonly leases: readonly number[]; readonly isDated: boolean }
  | { readonly kind: 'account'; readonly account: AccountSpec }
  | { readonly kind: 'advance'; readonly ms: number }

export type DraftSpec =
  | { readonly kind: 'new'; readonly content: ContentSpec }
  /** An earlier draft again, word by word or with another payload. */
  | { readonly kind: 'repeated'; readonly back: number; readonly isChanged: boolean }

export interface ContentSpec {
  /** Members of the group that stand before or anywhere, and earlier tasks by how far back. */
  readonly parents: readonly { readonly from: 'before' | 'group' | 'earlier'; readonly at: number }[]
  readonly isGhostWanted: boolean
  readonly proceeds: boolean
  readonly priority: number | null
  readonly queue: number
  readonly type: number
  readonly key: number | null
  readonly time: 'now' | 'delayed' | 'past' | 'future'
  readonly timeoutMs: number | null
  readonly submitter: number | null
  readonly isOwnOnly: boolean
  /** Has neither name nor labels. */
  readonly isBare: boolean
}

/** Of the users, tokens and the audit log. Names are few, so that they meet. */
export type AccountSpec =
  | { readonly verb: 'create_user'; readonly name: number; readonly isAdmin: boolean; readonly onlyAsFirst: boolean }
  | {
      readonly verb: 'change_user'
      readonly name: number
      readonly isAdmin: boolean | null
      readonly isDisabled: boolean | null
      readonly endsSessions: boolean
    }
  | { readonly verb: 'create_token'; readonly name: number; readonly lastsMs: number | null }
  | { readonly verb: 'revoke_token'; readonly name: number; readonly isById: boolean }
  | { readonly verb: 'touch_tokens'; readonly tokens: readonly number[] }
  | { readonly verb: 'append_audit'; readonly entries: readonly { readonly actor: number; readonly action: number }[] }
  | { readonly verb: 'prune_audit'; readonly keepMs: number }

export interface ClaimSpec {
  readonly worker: number
  readonly limit: number
  readonly queues: readonly number[] | null
  readonly types: readonly number[] | null
  readonly leaseMs: number
  readonly request: number | null
}

export interface SettleSpec {
  /** From the latest lease backwards. */
  readonly lease: number
  readonly twist: 'none' | 'other epoch' | 'other worker' | 'other task'
  readonly outcome:
    | 'completed'
    | 'failed'
    | 'retry now'
    | 'retry later'
    | 'timeout'
    | 'released'
    | 'crashed'
    | 'cancelled'
  readonly guard: 'held' | 'expired'
  readonly resultChars: number
}

export interface BeatSpec {
  readonly worker: number
  readonly held:
    | 'all'
    | readonly { readonly lease: number; readonly isBare: boolean; readonly percent: number | null }[]
  readonly leaseMs: number
}

export const pool = Object.freeze({ workers: 3, queues: 3, types: 3, keys: 4, leases: 16, tasks: 24, names: 3 })

const below = (count: number) => fc.nat({ max: count - 1 })
const rarely = (outOf: number) => fc.nat({ max: outOf - 1 }).map(at => at === outOf - 1)
const someTasks = fc.array(below(pool.tasks), { minLength: 1, maxLength: 4 })
const leaseMs = fc.constantFrom(100, 1_000, 15_000)

const content: fc.Arbitrary<ContentSpec> = fc.record({
  parents: fc.array(
    fc.oneof(
      { weight: 6, arbitrary: fc.record({ from: fc.constant('before' as const), at: below(6) }) },
      { weight: 1, arbitrary: fc.record({ from: fc.constant('group' as const), at: below(6) }) },
      { weight: 5, arbitrary: fc.record({ from: fc.constant('earlier' as const), at: below(pool.tasks) }) },
    ),
    { maxLength: 3 },
  ),
  isGhostWanted: rarely(40),
  proceeds: rarely(3),
  priority: fc.constantFrom(null, null, 1, 5, 5.5, 10),
  queue: fc.constantFrom(0, 0, 0, 1, 2),
  type: fc.constantFrom(0, 0, 0, 1, 2),
  key: fc.oneof({ weight: 12, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: below(pool.keys) }),
  time: fc.constantFrom('now', 'now', 'now', 'now', 'now', 'delayed', 'past', 'future'),
  timeoutMs: fc.constantFrom(null, 500, 300_000),
  submitter: fc.constantFrom(null, null, 0, 1),
  isOwnOnly: rarely(3),
  isBare: rarely(3),
})
/** Says no more than that there is work: such tasks may be handed over by the exchange that brings them. */
const plainContent: fc.Arbitrary<ContentSpec> = content.map(each => ({
  ...each,
  parents: [],
  isGhostWanted: false,
  key: null,
  time: 'now',
  isBare: true,
}))
const draftSpec: fc.Arbitrary<DraftSpec> = fc.oneof(
  { weight: 8, arbitrary: content.map(each => ({ kind: 'new' as const, content: each })) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('repeated' as const), back: below(pool.tasks), isChanged: rarely(4) }),
  },
)
const group = fc.oneof(
  { weight: 15, arbitrary: fc.array(draftSpec, { minLength: 1, maxLength: 7 }) },
  { weight: 1, arbitrary: fc.array(draftSpec, { minLength: 10, maxLength: 25, size: 'max' }) },
)
const groups = fc.array(group, { minLength: 1, maxLength: 3 })
const plainGroup = fc.array(
  plainContent.map(each => ({ kind: 'new' as const, content: each })),
  { minLength: 1, maxLength: 3 },
)
const claimSpec: fc.Arbitrary<ClaimSpec> = fc.record({
  worker: below(pool.workers),
  limit: fc.oneof({ weight: 5, arbitrary: fc.integer({ min: 1, max: 6 }) }, { weight: 1, arbitrary: fc.constant(50) }),
  queues: fc.oneof(
    { weight: 6, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: fc.uniqueArray(below(pool.queues), { maxLength: 2 }) },
  ),
  types: fc.oneof(
    { weight: 6, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: fc.uniqueArray(below(pool.types), { maxLength: 2 }) },
  ),
  leaseMs,
  request: fc.constantFrom(null, null, null, null, 0, 1),
})
const settleSpec: fc.Arbitrary<SettleSpec> = fc.record({
  lease: fc.oneof(below(5), below(pool.leases)),
  twist: fc.constantFrom('none', 'none', 'none', 'none', 'none', 'other epoch', 'other worker', 'other task'),
  outcome: fc.constantFrom(
    'completed',
    'completed',
    'failed',
    'retry now',
    'retry later',
    'timeout',
    'released',
    'crashed',
    'cancelled',
  ),
  guard: fc.constantFrom('held', 'held', 'held', 'expired'),
  resultChars: fc.nat({ max: 60 }),
})
const settles = fc.array(settleSpec, { minLength: 1, maxLength: 6 })
const beatSpec: fc.Arbitrary<BeatSpec> = fc.record({
  worker: below(pool.workers),
  held: fc.oneof(
    fc.constant('all' as const),
    fc.array(
      fc.record({ lease: below(pool.leases), isBare: fc.boolean(), percent: fc.constantFrom(null, null, 40, 80) }),
      { maxLength: 4 },
    ),
  ),
  leaseMs,
})

const name = below(pool.names)
const maybe = fc.constantFrom(null, true, false)
const accountSpec: fc.Arbitrary<AccountSpec> = fc.oneof(
  fc.record({
    verb: fc.constant('create_user' as const),
    name,
    isAdmin: fc.boolean(),
    onlyAsFirst: rarely(3),
  }),
  fc.record({
    verb: fc.constant('change_user' as const),
    name,
    isAdmin: maybe,
    isDisabled: maybe,
    endsSessions: rarely(4),
  }),
  fc.record({ verb: fc.constant('create_token' as const), name, lastsMs: fc.constantFrom(null, 1_000, 15_000) }),
  fc.record({ verb: fc.constant('revoke_token' as const), name, isById: fc.boolean() }),
  fc.record({ verb: fc.constant('touch_tokens' as const), tokens: fc.array(name, { maxLength: 3 }) }),
  fc.record({
    verb: fc.constant('append_audit' as const),
    entries: fc.array(fc.record({ actor: name, action: below(2) }), { maxLength: 4 }),
  }),
  fc.record({ verb: fc.constant('prune_audit' as const), keepMs: fc.constantFrom(0, 1_000, 60_000) }),
)

export const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 7, arbitrary: fc.record({ kind: fc.constant('submit' as const), groups }) },
  { weight: 12, arbitrary: claimSpec.map(spec => ({ kind: 'claim' as const, ...spec })) },
  { weight: 14, arbitrary: fc.record({ kind: fc.constant('settle' as const), settles }) },
  { weight: 2, arbitrary: beatSpec.map(spec => ({ kind: 'beat' as const, ...spec })) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('exchange' as const),
      groups: fc.oneof(groups, fc.constant([])),
      settles: fc.array(settleSpec, { maxLength: 4 }),
      beats: fc.array(beatSpec, { maxLength: 3 }),
      claims: fc.array(claimSpec, { maxLength: 3 }),
    }),
  },
  // New tasks that meet claims, and little else.
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('exchange' as const),
      groups: fc.array(plainGroup, { minLength: 1, maxLength: 2 }),
      settles: fc.array(settleSpec, { maxLength: 1 }),
      beats: fc.constant([]),
      claims: fc.array(claimSpec, { minLength: 1, maxLength: 3 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('cancel' as const),
      tasks: someTasks,
      reason: fc.constantFrom(null, 'why not'),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('requeue' as const), tasks: someTasks, withDependents: fc.boolean() }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('reprioritise' as const),
      tasks: someTasks,
      priority: fc.constantFrom(1, 2.5, 5, 10),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('by_hand' as const),
      tasks: someTasks,
      result: fc.constantFrom(null, 'by hand'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('remove' as const), tasks: someTasks }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('promote' as const), limit: fc.constantFrom(1, 3, 1_000) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('reap' as const) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('unblock' as const), limit: fc.constantFrom(1, 2, 1_000) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('prune' as const), keepMs: fc.constantFrom(0, 1_000, 60_000) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('register' as const), worker: below(pool.workers), instance: below(2) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('drain' as const), worker: below(pool.workers) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('deregister' as const), worker: below(pool.workers) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('set_queue' as const),
      queue: below(pool.queues),
      isPaused: rarely(3),
      reason: fc.option(fc.constantFrom('Deploying', 'The disk is full')),
      by: fc.option(fc.constantFrom('anna', 'ben')),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('append_logs' as const),
      leases: fc.array(below(pool.leases), { minLength: 1, maxLength: 4 }),
      isDated: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: accountSpec.map(account => ({ kind: 'account' as const, account })) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('advance' as const),
      ms: fc.constantFrom(1, 100, 500, 1_000, 15_000, 40_000),
    }),
  },
)

/**
 * Every bound of the system, with its unit in the name and its reason beside it.
 * A bound that clients can meet is here, so that the SDK can refuse early what the scheduler would refuse anyway.
 */
export const limits = Object.freeze({
  /** A submit batch: large enough that the commit costs nothing a task, small enough to keep other callers' commits short. */
  batchTasksMax: 1_000,
  /** One claim: above 500 a commit gains under 10 %, and a dying worker would hold more than it can lose politely. */
  claimTasksMax: 500,
  /** One settle or heartbeat call: a worker never holds more than this many leases in one message. */
  settleResultsMax: 1_000,
  /** Slots of one worker process. */
  workerSlotsMax: 10_000,
  /** Long polls: under the idle time-outs of common proxies (60 s). */
  waitSecondsMax: 30,
  /** Parents of one task: a wider fan-in is a tree of merges. */
  dependenciesMax: 10_000,
  /** Children released inside the parent's own transaction; a sweep releases the rest, so that a hub stalls nobody. */
  releasedInTransactionMax: 1_000,
  /** JSON text of one payload or one result. */
  payloadBytesMax: 1_048_576,
  resultBytesMax: 1_048_576,
  /** Error of one attempt: message and stack, JSON text. Longer ones are cut, never refused. */
  errorBytesMax: 65_536,
  /** Parents' results inside a claim reply; above, the reply carries `parents_url`. */
  parentsBytesMax: 1_048_576,
  /** Payloads and results of one reply to a claim or a list; at least one task is in it, and the rest comes with the next. */
  replyBytesMax: 33_554_432,
  /** HTTP body: a full batch of middling payloads. */
  bodyBytesMax: 16_777_216,
  /** Nesting of any JSON that is kept: deeper text would overflow the stack of a recursive reader. */
  jsonDepthMax: 100,
  /** Names of one object: 1 MiB has room for 132,440 that differ, and a million take seconds to read and to check. */
  jsonNamesMax: 150_000,
  /** Elements of one array: 1 MiB has room for 524,287 zeros. */
  jsonElementsMax: 524_288,
  taskIdCharsMax: 128,
  /** Names of types, queues and workers. */
  nameCharsMax: 128,
  /** The human name of a task and its description. */
  titleCharsMax: 256,
  descriptionCharsMax: 4_096,
  /** A sentence, as in a list: what is longer is a page elsewhere that it can name. */
  pauseReasonCharsMax: 256,
  idempotencyKeyCharsMax: 256,
  labelsMax: 32,
  labelKeyCharsMax: 64,
  labelValueCharsMax: 256,
  priorityMin: 1,
  priorityMax: 10,
  priorityDefault: 5,
  retriesMax: 100,
  retriesDefault: 5,
  /** Crashes of the worker under a task before it is failed as `poisoned`. */
  crashesMax: 3,
  /** One attempt: 30 days; longer work is several tasks. */
  timeoutSecondsMax: 2_592_000,
  timeoutSecondsDefault: 300,
  /** Delays and run_at: ten years ahead. */
  delaySecondsMax: 315_360_000,
  /** Capabilities or queues one worker may name. */
  workerNamesMax: 1_000,
  /** JSON text of all the type schemas one worker publishes. */
  workerTypesBytesMax: 1_048_576,
  /** `total` of a list is counted to here: a few milliseconds of a store's time. */
  countedTasksMax: 10_000,
  pageTasksMax: 500,
  pageTasksDefault: 50,
  offsetMax: 100_000,
  /** Log lines: of one call, of one task, and characters of one line. */
  logLinesPerCallMax: 1_000,
  logLinesPerTaskMax: 10_000,
  logLineCharsMax: 8_192,
  progressMessageCharsMax: 256,
  bulkIdsMax: 10_000,
  /** Tasks of a graph reply: a neighbourhood, not the world. */
  graphTasksMax: 2_000,
  /** Edges of a graph reply: more than a picture can show, and a quarter of a second of the slowest store. */
  graphEdgesMax: 20_000,
  /** Positions in the queue are counted to here; beyond, the answer is "more than". */
  positionCountMax: 10_000,
  headerTextCharsMax: 256,
  /** Shorter ones are guessed, longer ones are no passwords. */
  passwordCharsMin: 8,
  passwordCharsMax: 1_024,
  /** Names that one token is limited to. */
  tokenNamesMax: 100,
  pageAuditMax: 500,
  pageAlertsMax: 500,
  /** Beside those that are there from the start; every look goes through all of them. */
  alertRulesMax: 100,
  /** Alerts of one rule that are open at once; one more stands for the rest. Nobody reads the names of ten thousand lost workers. */
  alertsOfRuleMax: 20,
  alertForSecondsMax: 86_400,
  /** A month: what is silenced for longer is a rule to change. */
  alertSilenceSecondsMax: 2_592_000,
  /** Who is reminded more often stops reading. */
  alertRemindSecondsMin: 60,
  alertRemindSecondsMax: 604_800,
  alertChannelsMax: 20,
  channelUrlCharsMax: 2_048,
  /** Shorter ones are guessed. */
  channelSecretCharsMin: 16,
  channelSecretCharsMax: 256,
} as const)

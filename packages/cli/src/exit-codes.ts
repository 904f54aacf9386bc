/** What the command's exit says, for scripts. Listed in `tasklane --help` and the README; a test compares them. */
export const exitCodes = Object.freeze({
  ok: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  auth: 4,
  conflict: 5,
  unreachable: 6,
  cancelled: 7,
  /** Between the worker of a pool and its supervisor: the scheduler sent it away. No person meets it. */
  drained: 75,
  timeout: 124,
  interrupted: 130,
  terminated: 143,
} as const)

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** In the order of the table, with the sentence of each. */
export const exitCodeMeanings: readonly (readonly [ExitCode, string])[] = [
  [exitCodes.ok, 'done'],
  [exitCodes.failed, 'the task failed, or something else went wrong'],
  [exitCodes.usage, 'the command line, the environment or the input is not right'],
  [exitCodes.notFound, 'no such task, worker or queue'],
  [exitCodes.auth, 'the token or password is missing, wrong or not allowed to do this'],
  [exitCodes.conflict, 'not possible in the present state'],
  [exitCodes.unreachable, 'the scheduler or the database cannot be reached'],
  [exitCodes.cancelled, 'the task was cancelled'],
  [exitCodes.timeout, 'the time to wait was up; the task goes on'],
  [exitCodes.interrupted, 'stopped by Ctrl-C (SIGINT)'],
  [exitCodes.terminated, 'stopped by SIGTERM'],
]

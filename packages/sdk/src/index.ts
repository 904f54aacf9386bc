export type { Accounts, AuditQuery } from './accounts.ts'
export type { Alerts, AlertsQuery } from './alerts.ts'
export {
  type BulkOptions,
  type ClientOptions,
  type ListOptions,
  type RefusedTask,
  type SubmittedTask,
  type TaskFilter,
  TasklaneClient,
} from './client.ts'
export { type Clock, systemClock } from './clock.ts'
export type { ConnectOptions } from './connect.ts'
export type { Duration } from './duration.ts'
export {
  ApiError,
  InputInvalidError,
  LeaseLostError,
  PermanentError,
  RetryAfter,
  ShutdownError,
  TaskCancelledError,
  TaskFailedError,
  TasklaneError,
  TaskTimeoutError,
  UnexpectedReplyError,
  UnreachableError,
  UsageError,
  WaitTimeoutError,
} from './errors.ts'
export type { WorkerLogger } from './log.ts'
export type { StandardSchemaV1 } from './standard-schema.ts'
export { type SubmitItem, type SubmitOptions, type TaskReference, taskItem } from './submission.ts'
export type { TaskContext, TaskLog } from './task-context.ts'
export {
  type AnyTaskDefinition,
  type AsJson,
  defineTask,
  type HandlerResult,
  type TaskDefinition,
} from './task-definition.ts'
export type { WaitOptions } from './wait.ts'
export type { RunningTask } from './worker/runs.ts'
export type { WorkerRuntimeStatus, WorkerState } from './worker/runtime.ts'
export type { WorkerOptions } from './worker/settings.ts'
export { TasklaneWorker } from './worker.ts'

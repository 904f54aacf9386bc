import type { DependencyPolicy, FinishedState } from '@tasklane/protocol'
import { type JsonText, type TaskId, taskErrorText } from './task.ts'

/** A parent that was cancelled counts as failed; one that was pruned (null) had ended well enough to be forgotten. */
export function isSatisfied(edge: DependencyPolicy, parentState: FinishedState | null): boolean {
  return parentState === null || parentState === 'completed' || edge === 'proceed'
}

/** Where a task goes that waits for no parent. */
export function waitingState(runAtMs: number | null, nowMs: number): 'scheduled' | 'pending' {
  return runAtMs !== null && runAtMs > nowMs ? 'scheduled' : 'pending'
}

/** What a task is told that was cancelled since a parent had failed. */
export function dependencyError(parentId: TaskId, parentState: string): JsonText {
  return taskErrorText('dependency_failed', `Task ${parentId}, on which this one depends, is ${parentState}.`)
}

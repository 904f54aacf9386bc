import type { Task } from '@tasklane/protocol'

/** A task as the API returns it, with what a test says of it. */
export function sampleTask(given: Partial<Task> = {}): Task {
  return {
    task_id: 't1',
    task_type: 'add',
    queue: 'default',
    name: null,
    description: null,
    payload: { x: 1, y: 2 },
    priority: 5,
    priority_source: 'default',
    status: 'completed',
    worker_id: 'w1',
    dependencies: [],
    timeout: 300,
    max_retries: 5,
    attempt: 1,
    idempotency_key: null,
    run_at: null,
    created_at: '2030-01-01T00:00:00.000Z',
    started_at: '2030-01-01T00:00:01.000Z',
    completed_at: '2030-01-01T00:00:03.500Z',
    result: 3,
    error: null,
    progress: null,
    labels: {},
    submitted_by: null,
    trace: null,
    ...given,
  }
}

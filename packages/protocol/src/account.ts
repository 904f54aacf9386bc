/**
 * What somebody may do. `viewer` reads everything; `submitter` submits, and sees and moves its own tasks only; `operator`
 * does all with tasks, queues and workers; `worker` speaks the worker protocol and nothing else; `admin` may do all.
 */
export const roles = Object.freeze(['viewer', 'submitter', 'operator', 'worker', 'admin'] as const)

export type Role = (typeof roles)[number]

import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { Task } from '@tasklane/protocol'
import { meQuery } from '../../api/queries.ts'
import { CopyButton, Panel } from '../../parts/basic.tsx'
import { Fact } from '../../parts/fact.tsx'
import { Lasted, Time } from '../../parts/time.tsx'
import { QueueLink, WorkerLink } from './links.tsx'

export function Facts({ task }: { readonly task: Task }) {
  const labels = Object.entries(task.labels)
  return (
    <Panel title="Facts">
      <dl className="facts">
        <TaskFacts task={task} />
      </dl>
      {labels.length === 0 ? null : (
        <div className="chips">
          {labels.map(([key, value]) => (
            <Link key={key} to="/tasks" search={{ label: `${key}:${value}` }} className="chip">
              {key}: {value}
            </Link>
          ))}
        </div>
      )}
    </Panel>
  )
}

/** What is known of a task in a line each, for a list of its page or beside another page. */
export function TaskFacts({ task }: { readonly task: Task }) {
  return (
    <>
      <Fact name="Type">
        <Link to="/tasks" search={{ type: task.task_type }}>
          <code>{task.task_type}</code>
        </Link>
      </Fact>
      <Fact name="Queue">
        <QueueLink name={task.queue} />
      </Fact>
      <Fact name="Priority">
        {task.priority} <span className="faint">{task.priority_source}</span>
      </Fact>
      <Fact name="Worker">
        {task.worker_id === null ? <span className="faint">–</span> : <WorkerLink id={task.worker_id} />}
      </Fact>
      <Fact name="Attempt">
        {task.attempt} <span className="faint">of {task.max_retries + 1} at most</span>
      </Fact>
      <Fact name="Time limit">{task.timeout === null ? 'none' : `${task.timeout} s an attempt`}</Fact>
      <Fact name="Created">
        <Time at={task.created_at} />
      </Fact>
      {task.run_at === null ? null : (
        <Fact name="Not before">
          <Time at={task.run_at} />
        </Fact>
      )}
      <Fact name="Started">
        <Time at={task.started_at} />
      </Fact>
      <Fact name="Finished">
        <Time at={task.completed_at} />
      </Fact>
      <Fact name="Ran">
        <Lasted from={task.started_at} to={task.completed_at} />
      </Fact>
      {task.submitted_by === null ? null : <Fact name="Submitted by">{task.submitted_by}</Fact>}
      {task.idempotency_key === null ? null : (
        <Fact name="Key">
          <code className="clip">{task.idempotency_key}</code>{' '}
          <CopyButton text={task.idempotency_key} label="Copy the idempotency key" />
        </Fact>
      )}
      {task.trace === null ? null : (
        <Fact name={isTraceparent(task.trace) ? 'Trace' : 'Request'}>
          <TraceText trace={task.trace} />{' '}
          <CopyButton
            text={traceId(task.trace)}
            label={isTraceparent(task.trace) ? 'Copy the trace id' : 'Copy the request id'}
          />
        </Fact>
      )}
    </>
  )
}

/** W3C trace context: version, trace id, parent, flags. Anything else is the id of the request that submitted it. */
const traceparent = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/

function isTraceparent(trace: string): boolean {
  return traceparent.test(trace)
}

/** Leads to where traces are looked at, if this scheduler was told where that is. */
function TraceText({ trace }: { readonly trace: string }) {
  const { data: me } = useQuery(meQuery)
  const text = (
    <code className="clip" title={trace}>
      {trace}
    </code>
  )
  const template = me?.trace_url ?? null
  if (template === null || !isTraceparent(trace)) return text
  return (
    <a
      className="clip"
      href={template.replaceAll('{trace_id}', traceId(trace))}
      target="_blank"
      rel="noreferrer"
      title="Open the trace in another tab"
    >
      {text}
    </a>
  )
}

/** What tools for traces are searched by. */
function traceId(trace: string): string {
  return traceparent.exec(trace)?.[1] ?? trace
}

import { Link } from '@tanstack/react-router'
import type { Task, TaskError } from '@tasklane/protocol'
import { CopyButton, Panel } from '../../parts/basic.tsx'

export function ErrorPanel({ task }: { readonly task: Task }) {
  if (task.error === null) return null
  const { code, message, stack } = task.error
  const isFinal = task.status === 'failed'
  return (
    <Panel
      title={isFinal ? 'Error' : 'Last error'}
      side={
        <>
          {isFinal ? (
            <Link to="/tasks" search={{ status: 'failed', type: task.task_type }} className="quiet-link">
              Failed ones of this type
            </Link>
          ) : null}
          <CopyButton text={`${code}: ${message}\n${stack ?? ''}`} label="Copy the error" />
        </>
      }
      className={isFinal ? 'panel-bad' : ''}
    >
      <p className="error-text">
        <code className="error-code">{code}</code> {message}
      </p>
      <ErrorText error={task.error} />
    </Panel>
  )
}

const causeMark = '\nCaused by: '

/** The stack, and below it the causes, each with its own. */
export function ErrorText({ error }: { readonly error: TaskError }) {
  const { stack, message } = error
  if (stack === undefined)
    return <p className="faint">{message === '' ? 'No message' : 'No stack was sent with it.'}</p>
  const [first = '', ...causes] = stack.split(causeMark)
  return (
    <div className="causes">
      <Stack text={first} title="Stack" isOpen={causes.length === 0} />
      {causes.map((cause, depth) => (
        <Stack
          // biome-ignore lint/suspicious/noArrayIndexKey: causes of one error never move
          key={depth}
          text={cause}
          title={`Caused by: ${cause.split('\n')[0] ?? ''}`}
          isOpen={depth === causes.length - 1}
        />
      ))}
    </div>
  )
}

function Stack({ text, title, isOpen }: { readonly text: string; readonly title: string; readonly isOpen: boolean }) {
  return (
    <details open={isOpen}>
      <summary className="clip">{title}</summary>
      <div className="stack-text">
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard */}
        <pre className="json-text" tabIndex={0}>
          {text}
        </pre>
        <CopyButton text={text} label="Copy the stack" />
      </div>
    </details>
  )
}

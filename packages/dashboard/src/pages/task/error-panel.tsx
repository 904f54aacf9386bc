import type { Task } from '@tasklane/protocol'
import { CopyButton, Panel } from '../../parts/basic.tsx'

export function ErrorPanel({ task }: { readonly task: Task }) {
  if (task.error === null) return null
  const { code, message, stack } = task.error
  return (
    <Panel
      title={task.status === 'failed' ? 'Error' : 'Last error'}
      side={<CopyButton text={`${code}: ${message}\n${stack ?? ''}`} label="Copy the error" />}
      className={task.status === 'failed' ? 'panel-bad' : ''}
    >
      <p className="error-text">
        <code className="error-code">{code}</code> {message}
      </p>
      {stack === undefined ? null : (
        <details>
          <summary>Stack</summary>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard */}
          <pre className="json-text" tabIndex={0}>
            {stack}
          </pre>
        </details>
      )}
    </Panel>
  )
}

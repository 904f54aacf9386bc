import { Plus } from 'lucide-react'
import { root } from '../api/http.ts'
import { Button, Panel, Snippet } from '../parts/basic.tsx'
import { useMay } from '../shell/me.ts'
import { emptyDraft, submitDrawer } from '../submit/drafts.ts'

export const url = root.href.replace(/\/$/, '')

/** Until the first worker and the first task are there. */
export function GettingStarted({ hasWorkers }: { readonly hasWorkers: boolean }) {
  const maySubmit = useMay('tasks.submit')
  return (
    <Panel title="Getting started" className="getting-started">
      <ol>
        <li className={hasWorkers ? 'done' : ''}>
          <strong>Start a worker.</strong> It registers here and takes what it can run.
          <Snippet text={`tasklane worker --url ${url}`} />
        </li>
        <li>
          <strong>Submit a task.</strong>
          <Snippet text={`tasklane submit add '{"x":1,"y":2}' --url ${url} --wait`} />
          {maySubmit ? (
            <Button
              icon={Plus}
              onClick={() => submitDrawer.set({ ...emptyDraft, type: 'add', payload: { x: 1, y: 2 } })}
            >
              Or submit it here
            </Button>
          ) : null}
        </li>
        <li>
          <strong>Write your own.</strong> A handler is a function; the <a href={`${url}/docs`}>API</a> is plain HTTP
          for any language.
        </li>
      </ol>
    </Panel>
  )
}

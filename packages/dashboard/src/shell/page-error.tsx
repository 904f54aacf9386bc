import { RefreshCw } from 'lucide-react'
import { useEffect, useRef } from 'react'
import { useLiveState } from '../live/live.ts'
import { Button, Failure, Notice } from '../parts/basic.tsx'

interface PageErrorProps {
  readonly error: unknown
  readonly reset: () => void
}

/** In the place of a page that broke; the frame around it stays. */
export function PageError({ error, reset }: PageErrorProps) {
  return isMissingPart(error) ? <MissingPart /> : <Failure error={error} onRetry={reset} />
}

/** Browsers say it each in their own words, and none with a code. */
function isMissingPart(error: unknown): boolean {
  return error instanceof Error && /dynamically imported module|importing a module|preload CSS/i.test(error.message)
}

/**
 * A page is a file of its own, which is fetched when it is first opened: that fails while the scheduler is away, and after
 * it was replaced by one with newer pages. A browser does not ask twice for the same file, so that all is loaded anew.
 */
function MissingPart() {
  const state = useLiveState()
  const wasAway = useRef(false)
  useEffect(() => {
    if (state !== 'live') wasAway.current = true
    else if (wasAway.current) location.reload()
  }, [state])
  return (
    <Notice icon={RefreshCw} title="This part of the pages could not be loaded">
      <p>
        {state === 'live'
          ? 'The scheduler may have newer pages by now than those that are open here.'
          : 'The scheduler cannot be reached. When it is back, this is loaded by itself.'}
      </p>
      <Button onClick={() => location.reload()}>Load the pages anew</Button>
    </Notice>
  )
}

import type { QueuePause } from '@tasklane/protocol'
import { Time } from '../../parts/time.tsx'

/** `12 m ago by anna: deploying the new mailer`, as far as it is known; nothing where it is not. */
export function PauseWords({ pause }: { readonly pause: QueuePause | null | undefined }) {
  // A node of an earlier version, behind the same address, says nothing of it.
  if (pause === null || pause === undefined) return null
  const { at, by, reason } = pause
  return (
    <>
      {at === null ? null : <Time at={at} />}
      {by === null ? null : ` by ${by}`}
      {reason === null ? null : (
        <>
          {at === null && by === null ? null : ': '}
          <span className="pause-reason">{reason}</span>
        </>
      )}
    </>
  )
}

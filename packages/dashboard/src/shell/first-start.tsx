import type { Site } from '@tasklane/protocol'
import { DoorOpen } from 'lucide-react'

/** For the person who set this scheduler up: how one comes in for the first time. */
export function FirstStart({ kind }: { readonly kind: Exclude<Site['first_start'], 'none' | null> }) {
  return (
    <section className="first-start" aria-label="First start">
      <p>
        <DoorOpen size={16} aria-hidden="true" />
        {kind === 'printed' ? (
          <span>
            <strong>First start.</strong> Nobody is set up yet. Log in as <code>admin</code> with the password that the
            scheduler printed when it started; then you choose a name and a password of your own.
          </span>
        ) : (
          <span>
            <strong>First start.</strong> Nobody is set up yet. Log in as <code>admin</code> with the password in{' '}
            <code>TASKLANE_ADMIN_PASSWORD</code> of the scheduler’s configuration.
          </span>
        )}
      </p>
      {kind === 'printed' ? <WhereItIs /> : null}
    </section>
  )
}

function WhereItIs() {
  return (
    <details>
      <summary>Where to find it</summary>
      <dl>
        <dt>In a terminal</dt>
        <dd>in a box, where the scheduler was started</dd>
        <dt>Docker</dt>
        <dd>
          <code>docker compose logs | grep -A4 'first user'</code>; of several nodes one has it
        </dd>
        <dt>Kubernetes</dt>
        <dd>
          <code>kubectl logs POD | grep -A4 'first user'</code>
        </dd>
        <dt>systemd</dt>
        <dd>
          <code>journalctl -u tasklane | grep -A4 'first user'</code>
        </dd>
        <dt>Nowhere</dt>
        <dd>
          <code>tasklane users reset-admin --generate</code>, beside its database
        </dd>
      </dl>
    </details>
  )
}

import { useQuery, useQueryClient } from '@tanstack/react-query'
import type { Me } from '@tasklane/protocol'
import { DoorOpen } from 'lucide-react'
import { useState } from 'react'
import { siteQuery } from '../../api/queries.ts'
import { Button, Panel, Snippet } from '../../parts/basic.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { FirstAdminForm } from '../../shell/first-admin.tsx'

const command = 'SECRET_KEY=$(openssl rand -base64 32) API_HOST=0.0.0.0 tasklane serve'

/** Where nobody logs in: a user of one's own first, and then the door to the network. */
export function OwnUser({ auth }: { readonly auth: Me['auth'] }) {
  const client = useQueryClient()
  const { data: site } = useQuery(siteQuery)
  const [isAsking, setAsking] = useState(false)
  const [made, setMade] = useState<string | null>(null)
  const isOpenStep = made !== null || (site !== undefined && site.first_start === null)
  if (site === undefined) return null
  return (
    <Panel className="own-user">
      <DoorOpen size={20} aria-hidden="true" />
      <div className="stack">
        <p>
          <strong>Nobody logs in here.</strong>{' '}
          {auth === 'open'
            ? 'Whoever reaches this address, on this machine only, may do everything.'
            : 'Logins are turned off: whoever reaches this address may do everything.'}{' '}
          {isOpenStep
            ? `${made === null ? 'There are users' : `${made} may log in`}: with this the scheduler listens for others, and asks everybody who they are.`
            : 'Before you open it to a network, set up a user of your own: it is the admin then.'}
        </p>
        {isOpenStep ? (
          <Snippet text={command} />
        ) : (
          <div>
            <Button look="primary" onClick={() => setAsking(true)}>
              Set up the first admin
            </Button>
          </div>
        )}
      </div>
      <Dialog title="Set up the first admin" isOpen={isAsking} onClose={() => setAsking(false)}>
        <FirstAdminForm
          onDone={async name => {
            setMade(name)
            setAsking(false)
            await Promise.all(['site', 'users'].map(kind => client.invalidateQueries({ queryKey: [kind] })))
          }}
        />
      </Dialog>
    </Panel>
  )
}

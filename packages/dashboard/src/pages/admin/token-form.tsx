import { useQuery, useQueryClient } from '@tanstack/react-query'
import type { NewServiceToken, Role, ServiceTokenDraft } from '@tasklane/protocol'
import { useId, useState } from 'react'
import { send } from '../../api/http.ts'
import { queuesQuery, typesQuery } from '../../api/queries.ts'
import { Button, Snippet } from '../../parts/basic.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { SelectField, TextField } from '../../parts/fields.tsx'
import { FormDialog } from '../../parts/form-dialog.tsx'
import { Known } from '../../parts/known.tsx'
import { roleChoices } from './roles.ts'

const daySeconds = 86_400
const lasts = [
  ['7', 'in a week'],
  ['30', 'in 30 days'],
  ['90', 'in 90 days'],
  ['365', 'in a year'],
  ['', 'never'],
] as const

/** Makes a token and shows it, this once. */
export function NewToken({ onClose }: { readonly onClose: () => void }) {
  const [made, setMade] = useState<NewServiceToken | null>(null)
  return made === null ? <Draft onClose={onClose} onMade={setMade} /> : <Made token={made} onClose={onClose} />
}

interface DraftProps {
  readonly onClose: () => void
  readonly onMade: (token: NewServiceToken) => void
}

function Draft({ onClose, onMade }: DraftProps) {
  const client = useQueryClient()
  const [name, setName] = useState('')
  const [role, setRole] = useState<Role>('worker')
  const [days, setDays] = useState<(typeof lasts)[number][0]>('90')
  const [queues, setQueues] = useState('')
  const [types, setTypes] = useState('')
  // A reader of everything that is limited in part would not be limited.
  const isBounded = role === 'worker' || role === 'submitter' || role === 'operator'
  const make = async () => {
    const draft: ServiceTokenDraft = {
      name,
      role,
      ...(isBounded ? { queues: namesIn(queues), types: namesIn(types) } : {}),
      expires_in: days === '' ? null : Number(days) * daySeconds,
    }
    onMade(await send<NewServiceToken>('POST', 'api/tokens', draft))
    void client.invalidateQueries({ queryKey: ['tokens'] })
  }
  return (
    <FormDialog
      title="Make a token"
      verb="Make"
      fields={['name', 'role', 'queues', 'types', 'expires_in']}
      isReady={name !== ''}
      onSubmit={make}
      onClose={onClose}
    >
      {faults => (
        <>
          <TextField
            label="Name"
            placeholder="Who will use it"
            autoComplete="off"
            autoCapitalize="none"
            value={name}
            onValue={setName}
            fault={faults.name}
          />
          <SelectField label="Role" value={role} choices={roleChoices} onValue={setRole} fault={faults.role} />
          <SelectField label="Ends" value={days} choices={lasts} onValue={setDays} fault={faults.expires_in} />
          {isBounded ? (
            <Bounds queues={queues} types={types} onQueues={setQueues} onTypes={setTypes} faults={faults} />
          ) : null}
        </>
      )}
    </FormDialog>
  )
}

interface BoundsProps {
  readonly queues: string
  readonly types: string
  readonly onQueues: (text: string) => void
  readonly onTypes: (text: string) => void
  readonly faults: Readonly<Record<string, string>>
}

function Bounds({ queues, types, onQueues, onTypes, faults }: BoundsProps) {
  const id = useId()
  const { data: knownQueues } = useQuery(queuesQuery)
  const { data: knownTypes } = useQuery(typesQuery)
  return (
    <div className="two">
      <TextField
        label="Only these queues"
        placeholder="all"
        list={`${id}-queues`}
        value={queues}
        onValue={onQueues}
        hint="Several with commas"
        fault={faults.queues}
      />
      <TextField
        label="Only these types"
        placeholder="all"
        list={`${id}-types`}
        value={types}
        onValue={onTypes}
        hint="Several with commas"
        fault={faults.types}
      />
      <Known id={`${id}-queues`} typed={queues} names={(knownQueues ?? []).map(queue => queue.name)} />
      <Known id={`${id}-types`} typed={types} names={(knownTypes ?? []).map(type => type.task_type)} />
    </div>
  )
}

function namesIn(text: string): readonly string[] | null {
  const names = text.split(/[\s,]+/).filter(name => name !== '')
  return names.length === 0 ? null : names
}

function Made({ token, onClose }: { readonly token: NewServiceToken; readonly onClose: () => void }) {
  const foot = (
    <Button look="primary" onClick={onClose}>
      I have it
    </Button>
  )
  return (
    <Dialog title={`The token ${token.name}`} isOpen onClose={onClose} foot={foot}>
      <p>It is shown this once, and kept nowhere: copy it to where your program finds it.</p>
      <Snippet text={token.token} label="Copy the token" />
      <p className="faint">A worker takes it from its environment, for example:</p>
      <Snippet text={`TASKLANE_TOKEN=${token.token} tasklane worker tasks.ts`} />
    </Dialog>
  )
}

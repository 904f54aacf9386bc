import { useQueryClient } from '@tanstack/react-query'
import { type Role, roles } from '@tasklane/protocol'
import { useState } from 'react'
import { send } from '../api/http.ts'
import { Button, Snippet } from '../parts/basic.tsx'
import { Confirm, Dialog } from '../parts/dialog.tsx'
import { toast } from '../shell/toasts.tsx'

interface FormProps {
  readonly isOpen: boolean
  readonly onClose: () => void
}

const roleTexts: Readonly<Record<Role, string>> = {
  viewer: 'reads everything',
  submitter: 'submits, and sees and moves its own tasks only',
  operator: 'does all with tasks, queues and workers',
  worker: 'speaks the worker protocol and nothing else',
  admin: 'may do all',
}

function RoleField({ value, onChange }: { readonly value: Role; readonly onChange: (role: Role) => void }) {
  return (
    <label className="field">
      <span>Role</span>
      <select value={value} onChange={event => onChange(roles.find(role => role === event.target.value) ?? 'viewer')}>
        {roles.map(role => (
          <option key={role} value={role}>
            {role}: {roleTexts[role]}
          </option>
        ))}
      </select>
    </label>
  )
}

export function NewUser({ isOpen, onClose }: FormProps) {
  const client = useQueryClient()
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const [role, setRole] = useState<Role>('viewer')
  const add = async () => {
    await send('POST', 'api/users', { name, password, role })
    toast('good', `${name} may log in.`)
    setName('')
    setPassword('')
    void client.invalidateQueries({ queryKey: ['users'] })
  }
  return (
    <Confirm
      title="Add a user"
      verb="Add"
      isOpen={isOpen}
      onClose={onClose}
      onConfirm={add}
      isReady={name !== '' && password.length >= 8}
    >
      <label className="field">
        <span>Name</span>
        <input value={name} onChange={event => setName(event.target.value)} autoComplete="off" spellCheck={false} />
      </label>
      <label className="field">
        <span>Password</span>
        <input
          type="password"
          value={password}
          onChange={event => setPassword(event.target.value)}
          autoComplete="new-password"
        />
        <small className="hint">8 characters at least</small>
      </label>
      <RoleField value={role} onChange={setRole} />
    </Confirm>
  )
}

const daySeconds = 86_400

export function NewToken({ isOpen, onClose }: FormProps) {
  const client = useQueryClient()
  const [name, setName] = useState('')
  const [role, setRole] = useState<Role>('worker')
  const [days, setDays] = useState('90')
  const [queues, setQueues] = useState('')
  const [made, setMade] = useState<string | null>(null)
  const make = async () => {
    const names = queues.split(/[\s,]+/).filter(each => each !== '')
    const reply = await send<{ token: string }>('POST', 'api/tokens', {
      name,
      role,
      ...(names.length === 0 ? {} : { queues: names }),
      expires_in: days === '' ? null : Number(days) * daySeconds,
    })
    setMade(reply.token)
    setName('')
    void client.invalidateQueries({ queryKey: ['tokens'] })
  }
  if (made !== null) {
    const close = () => {
      setMade(null)
      onClose()
    }
    return (
      <Dialog title="The new token" isOpen onClose={close} foot={<Button onClick={close}>I have it</Button>}>
        <p>It is shown this once. Keep it where your program finds it, for example as TASKLANE_TOKEN.</p>
        <Snippet text={made} label="Copy the token" />
      </Dialog>
    )
  }
  return (
    <Confirm
      title="Make a token"
      verb="Make"
      isOpen={isOpen}
      // What was made must be shown: the question closes by itself only when it is taken back.
      onClose={onClose}
      onConfirm={make}
      isReady={name !== ''}
    >
      <label className="field">
        <span>Name</span>
        <input
          value={name}
          onChange={event => setName(event.target.value)}
          placeholder="Who will use it"
          spellCheck={false}
        />
      </label>
      <RoleField value={role} onChange={setRole} />
      <label className="field">
        <span>Ends after days</span>
        <input type="number" min={1} value={days} onChange={event => setDays(event.target.value)} placeholder="never" />
      </label>
      <label className="field">
        <span>Only for these queues</span>
        <input value={queues} onChange={event => setQueues(event.target.value)} placeholder="all" spellCheck={false} />
      </label>
    </Confirm>
  )
}

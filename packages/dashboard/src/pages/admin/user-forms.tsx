import { useQueryClient } from '@tanstack/react-query'
import type { Role, User, UserChange } from '@tasklane/protocol'
import { useState } from 'react'
import { send } from '../../api/http.ts'
import { SelectField, TextField } from '../../parts/fields.tsx'
import { FormDialog } from '../../parts/form-dialog.tsx'
import { toast } from '../../shell/toasts.tsx'
import { NewPassword } from './new-password.tsx'
import { roleChoices } from './roles.ts'

/** Changes a user, and tells the list. */
export function useChange(user: User): (change: UserChange, done: string) => Promise<void> {
  const client = useQueryClient()
  return async (change, done) => {
    await send('PATCH', `api/users/${encodeURIComponent(user.name)}`, change)
    toast('good', done)
    await client.invalidateQueries({ queryKey: ['users'] })
  }
}

export function NewUser({ onClose }: { readonly onClose: () => void }) {
  const client = useQueryClient()
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const [role, setRole] = useState<Role>('viewer')
  const add = async () => {
    await send('POST', 'api/users', { name, password, role })
    toast('good', `${name} may log in as ${role}.`)
    await client.invalidateQueries({ queryKey: ['users'] })
    onClose()
  }
  return (
    <FormDialog
      title="Add a user"
      verb="Add"
      fields={['name', 'password', 'role']}
      isReady={name !== '' && password !== ''}
      onSubmit={add}
      onClose={onClose}
    >
      {faults => (
        <>
          <TextField
            label="Name"
            autoComplete="off"
            autoCapitalize="none"
            value={name}
            onValue={setName}
            fault={faults.name}
            hint="For good: what somebody did keeps the name, so a name is never given again"
          />
          <NewPassword value={password} onValue={setPassword} fault={faults.password} />
          <SelectField label="Role" value={role} choices={roleChoices} onValue={setRole} fault={faults.role} />
        </>
      )}
    </FormDialog>
  )
}

interface ChangeProps {
  readonly user: User
  readonly isMe: boolean
  readonly onClose: () => void
}

export function ResetPassword({ user, isMe, onClose }: ChangeProps) {
  const change = useChange(user)
  const [password, setPassword] = useState('')
  const reset = async () => {
    await change({ password }, `${user.name} has a new password.`)
    onClose()
  }
  return (
    <FormDialog
      title={`A new password for ${user.name}`}
      verb="Set the password"
      fields={['password']}
      isReady={password !== ''}
      onSubmit={reset}
      onClose={onClose}
    >
      {faults => (
        <>
          <NewPassword value={password} onValue={setPassword} fault={faults.password} />
          <p className="faint">
            {isMe
              ? 'All your sessions end, this one, too: log in again with it.'
              : `All sessions of ${user.name} end at once. Copy the password now; it is shown nowhere later. Whoever gets it can choose another in the menu at the top right.`}
          </p>
        </>
      )}
    </FormDialog>
  )
}

export function ChangeRole({ user, isMe, onClose }: ChangeProps) {
  const change = useChange(user)
  const [role, setRole] = useState(user.role)
  const set = async () => {
    await change({ role }, `${user.name} is ${role} now.`)
    onClose()
  }
  return (
    <FormDialog
      title={`The role of ${user.name}`}
      verb="Change the role"
      fields={['role']}
      isReady={role !== user.role}
      onSubmit={set}
      onClose={onClose}
    >
      {faults => (
        <>
          <SelectField label="Role" value={role} choices={roleChoices} onValue={setRole} fault={faults.role} />
          <p className="faint">
            {isMe
              ? 'This is you: your sessions end, and you may no longer be able to come back to this page.'
              : `All sessions of ${user.name} end at once; the next login has the new role.`}
          </p>
        </>
      )}
    </FormDialog>
  )
}

export function Disable({ user, isMe, onClose }: ChangeProps) {
  const change = useChange(user)
  return (
    <FormDialog
      title={`Disable ${user.name}?`}
      verb="Disable"
      isDanger
      onSubmit={async () => {
        await change({ disabled: true }, `${user.name} is disabled.`)
        onClose()
      }}
      onClose={onClose}
    >
      {() => (
        <p>
          {isMe ? 'This is you. ' : ''}All sessions end at once, and no login is taken until the user is enabled again.
          What {user.name} did stays under this name: users are never deleted, so that nobody else can come to own their
          tasks.
        </p>
      )}
    </FormDialog>
  )
}

export function EndSessions({ user, isMe, onClose }: ChangeProps) {
  const change = useChange(user)
  return (
    <FormDialog
      title={`Log ${user.name} out everywhere?`}
      verb="Log out everywhere"
      onSubmit={async () => {
        await change({ end_sessions: true }, `${user.name} is logged out everywhere.`)
        onClose()
      }}
      onClose={onClose}
    >
      {() => (
        <p>
          All sessions of {user.name} end{isMe ? ', this one, too' : ''}: in browsers and on the command line. The
          password stays, and so do service tokens.
        </p>
      )}
    </FormDialog>
  )
}

import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { Faults } from '../api/faults.ts'
import { ApiError, send } from '../api/http.ts'
import { PasswordField } from '../parts/fields.tsx'
import { FormDialog } from '../parts/form-dialog.tsx'
import { toast } from './toasts.tsx'

export function OwnPassword({ name, onClose }: { readonly name: string; readonly onClose: () => void }) {
  const client = useQueryClient()
  const [current, setCurrent] = useState('')
  const [next, setNext] = useState('')
  const [again, setAgain] = useState('')
  const change = async () => {
    if (next !== again) throw new DifferentError()
    await send('POST', 'api/me/password', { current, new: next })
    toast('good', 'Your password is changed, and your other sessions have ended.')
    // This one goes on, under a new cookie.
    await client.invalidateQueries({ queryKey: ['me'] })
    onClose()
  }
  return (
    <FormDialog
      title="Change your password"
      verb="Change the password"
      fields={['current', 'new']}
      isReady={current !== '' && next !== '' && again !== ''}
      explain={explain}
      onSubmit={change}
      onClose={onClose}
    >
      {faults => (
        <>
          {/* So that a keeper of passwords knows whose it is. */}
          <span className="offscreen" aria-hidden="true">
            <input type="text" autoComplete="username" value={name} readOnly tabIndex={-1} />
          </span>
          <PasswordField
            label="Current password"
            autoComplete="current-password"
            value={current}
            onValue={setCurrent}
            fault={faults.current}
          />
          <PasswordField
            label="New password"
            autoComplete="new-password"
            value={next}
            onValue={setNext}
            hint="8 characters or more"
            fault={faults.new}
          />
          <PasswordField
            label="New password again"
            autoComplete="new-password"
            value={again}
            onValue={setAgain}
            fault={faults.again}
          />
          <p className="faint">
            All your other sessions end: other browsers, and the command line, log in again with the new password. This
            page goes on, and so do service tokens.
          </p>
        </>
      )}
    </FormDialog>
  )
}

class DifferentError extends Error {
  override readonly name = 'DifferentError'
}

function explain(error: unknown): Faults | null {
  if (error instanceof DifferentError) return { of: { again: 'The two new passwords differ.' }, rest: null }
  if (!(error instanceof ApiError)) return null
  if (error.code === 'login_refused') return { of: { current: 'This is not your current password.' }, rest: null }
  // As many guesses are let through as at a login.
  return error.status === 429 ? { of: { current: error.message }, rest: null } : null
}

import { useQueryClient } from '@tanstack/react-query'
import type { Alert, AlertSilenceRequest } from '@tasklane/protocol'
import { Bell, BellOff } from 'lucide-react'
import { useState } from 'react'
import { send } from '../../api/http.ts'
import { Button } from '../../parts/basic.tsx'
import { SelectField, TextField } from '../../parts/fields.tsx'
import { FormDialog } from '../../parts/form-dialog.tsx'
import { useMay } from '../../shell/me.ts'
import { toast, toastError } from '../../shell/toasts.tsx'

const lasts = [
  ['900', '15 minutes'],
  ['3600', 'an hour'],
  ['14400', '4 hours'],
  ['28800', '8 hours'],
  ['86400', 'a day'],
  ['259200', '3 days'],
  ['604800', 'a week'],
  ['2592000', '30 days'],
] as const

/** Both lists of alerts change, and what needs attention with them. */
function useTellAlerts(): () => Promise<unknown> {
  const client = useQueryClient()
  return () => Promise.all(['alerts', 'attention'].map(kind => client.invalidateQueries({ queryKey: [kind] })))
}

/** Silences an alert, or ends its silence; nothing for who may not, nor for what is over. */
export function SilenceActs({ alert }: { readonly alert: Alert }) {
  const may = useMay('alerts.silence')
  const [isAsking, setAsking] = useState(false)
  const tell = useTellAlerts()
  if (!may || alert.state === 'resolved') return null
  const end = async () => {
    await send('DELETE', `api/alerts/${alert.alert_id}/silence`)
    toast('good', 'It is no longer silenced.')
    await tell()
  }
  return (
    <>
      {alert.silence === null ? (
        <Button isSmall icon={BellOff} onClick={() => setAsking(true)}>
          Silence
        </Button>
      ) : (
        <Button isSmall icon={Bell} onClick={() => void end().catch(toastError)}>
          End the silence
        </Button>
      )}
      {isAsking ? <Silence id={alert.alert_id} detail={alert.detail} onClose={() => setAsking(false)} /> : null}
    </>
  )
}

interface SilenceProps {
  readonly id: number
  readonly detail: string
  readonly onClose: () => void
}

/** For how long, and why: whoever looks at it next wants to know. */
export function Silence({ id, detail, onClose }: SilenceProps) {
  const [seconds, setSeconds] = useState<(typeof lasts)[number][0]>('3600')
  const [reason, setReason] = useState('')
  const tell = useTellAlerts()
  const silence = async () => {
    const request: AlertSilenceRequest = { for: Number(seconds), reason: reason.trim() }
    await send('POST', `api/alerts/${id}/silence`, request)
    toast('good', `Silenced for ${lasts.find(([each]) => each === seconds)?.[1] ?? 'a while'}.`)
    await tell()
    onClose()
  }
  return (
    <FormDialog
      title="Silence this alert"
      verb="Silence"
      fields={['for', 'reason']}
      isReady={reason.trim() !== ''}
      onSubmit={silence}
      onClose={onClose}
    >
      {faults => (
        <>
          <p>{detail}</p>
          <SelectField label="For" value={seconds} choices={lasts} onValue={setSeconds} fault={faults.for} />
          <TextField
            label="Reason"
            placeholder="What is being done about it"
            maxLength={256}
            autoComplete="off"
            value={reason}
            onValue={setReason}
            fault={faults.reason}
          />
          <p className="faint">
            Meanwhile no channel is told of it, also if it ends and begins anew. It stays in the list of alerts, where
            the silence can be ended.
          </p>
        </>
      )}
    </FormDialog>
  )
}

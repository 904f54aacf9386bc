import { useQueryClient } from '@tanstack/react-query'
import {
  type AlertChannel,
  type AlertChannelDraft,
  type AlertSeverity,
  alertSeverities,
  limits,
} from '@tasklane/protocol'
import { useState } from 'react'
import { send } from '../../api/http.ts'
import { PasswordField, SelectField, TextField } from '../../parts/fields.tsx'
import { FormDialog } from '../../parts/form-dialog.tsx'
import { toast } from '../../shell/toasts.tsx'

interface ChannelFormProps {
  /** Null makes a new one. */
  readonly channel: AlertChannel | null
  readonly onClose: () => void
}

type Tells = 'all' | AlertSeverity

const tells = [
  ['all', 'every alert'],
  ['critical', 'critical ones only'],
  ['warning', 'warnings only'],
] as const

type Signing = 'none' | 'keep' | 'new'

/** Where alerts are sent, which of them, and whether they are signed. */
export function ChannelForm({ channel, onClose }: ChannelFormProps) {
  const client = useQueryClient()
  const [name, setName] = useState(channel?.name ?? '')
  const [url, setUrl] = useState(channel?.url ?? '')
  const [told, setTold] = useState<Tells>(tellsOf(channel))
  const [isEnabled, setEnabled] = useState(channel?.enabled ?? true)
  const [signing, setSigning] = useState<Signing>(channel?.signed === true ? 'keep' : 'none')
  const [secret, setSecret] = useState('')
  const save = async () => {
    const draft: AlertChannelDraft = {
      name: name.trim(),
      url: url.trim(),
      severities: told === 'all' ? alertSeverities : [told],
      enabled: isEnabled,
      // A secret that is kept is not said: nobody can read it to say it again.
      ...(signing === 'keep' ? {} : { secret: signing === 'new' ? secret : null }),
    }
    if (channel === null) await send('POST', 'api/alerts/channels', draft)
    else await send('PATCH', `api/alerts/channels/${encodeURIComponent(channel.channel_id)}`, draft)
    toast('good', channel === null ? `${draft.name} is told from now on. Send it a test.` : `${draft.name} is changed.`)
    await client.invalidateQueries({ queryKey: ['alerts', 'channels'] })
    onClose()
  }
  return (
    <FormDialog
      title={channel === null ? 'Add a channel' : `The channel ${channel.name}`}
      verb={channel === null ? 'Add' : 'Save'}
      fields={['name', 'url', 'secret', 'severities']}
      isReady={name.trim() !== '' && url.trim() !== '' && (signing !== 'new' || secret !== '')}
      onSubmit={save}
      onClose={onClose}
    >
      {faults => (
        <>
          <TextField
            label="Name"
            placeholder="Who reads it"
            maxLength={limits.nameCharsMax}
            autoComplete="off"
            value={name}
            onValue={setName}
            fault={faults.name}
          />
          <TextField
            label="Address"
            type="url"
            placeholder="https://…"
            maxLength={limits.channelUrlCharsMax}
            autoComplete="off"
            value={url}
            onValue={setUrl}
            fault={faults.url}
            hint="It takes a POST with the alerts as JSON"
          />
          <SelectField label="Is told of" value={told} choices={tells} onValue={setTold} fault={faults.severities} />
          <SelectField label="Signature" value={signing} choices={signingsOf(channel)} onValue={setSigning} />
          {signing === 'new' ? (
            <PasswordField
              label="Secret"
              autoComplete="off"
              maxLength={limits.channelSecretCharsMax}
              value={secret}
              onValue={setSecret}
              fault={faults.secret}
              hint={`At least ${limits.channelSecretCharsMin} characters; the receiver checks the signature with it. It is never shown again.`}
            />
          ) : null}
          <label className="tick">
            <input type="checkbox" checked={isEnabled} onChange={event => setEnabled(event.target.checked)} />
            Send messages to it
          </label>
        </>
      )}
    </FormDialog>
  )
}

function tellsOf(channel: AlertChannel | null): Tells {
  const [only, other] = channel?.severities ?? alertSeverities
  return only === undefined || other !== undefined ? 'all' : only
}

function signingsOf(channel: AlertChannel | null): readonly (readonly [Signing, string])[] {
  return channel?.signed === true
    ? [
        ['keep', 'signed, with the secret it has'],
        ['new', 'signed, with another secret'],
        ['none', 'not signed'],
      ]
    : [
        ['none', 'not signed'],
        ['new', 'signed, with a secret'],
      ]
}

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
import { span } from '../../parts/format.ts'
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

/** Seconds, as the list of choices has them. */
const reminds: readonly (readonly [string, string])[] = [
  ['never', 'never'],
  ['900', 'every 15 minutes'],
  ['3600', 'every hour'],
  ['14400', 'every 4 hours'],
  ['28800', 'every 8 hours'],
  ['86400', 'every day'],
]

type Signing = 'none' | 'keep' | 'new'

const signingsOfSigned: readonly (readonly [Signing, string])[] = [
  ['keep', 'signed, with the secret it has'],
  ['new', 'signed, with another secret'],
  ['none', 'not signed'],
]
const signingsOfOthers: readonly (readonly [Signing, string])[] = [
  ['none', 'not signed'],
  ['new', 'signed, with a secret'],
]

/** A channel as a form holds it. */
interface ChannelFields {
  readonly name: string
  readonly url: string
  readonly told: Tells
  readonly signing: Signing
  readonly secret: string
  readonly enabled: boolean
  readonly remind: string
}

/** Where alerts are sent, which of them, and whether they are signed. */
export function ChannelForm({ channel, onClose }: ChannelFormProps) {
  const client = useQueryClient()
  const [fields, setFields] = useState(() => fieldsOf(channel))
  const { name, url, signing, secret } = fields
  const set = (change: Partial<ChannelFields>) => setFields({ ...fields, ...change })
  const save = async () => {
    const draft = draftOf(fields)
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
      fields={['name', 'url', 'secret', 'severities', 'remind_every_s']}
      isReady={name.trim() !== '' && url.trim() !== '' && (signing !== 'new' || secret !== '')}
      onSubmit={save}
      onClose={onClose}
    >
      {faults => (
        <>
          <Address fields={fields} faults={faults} onChange={set} />
          <SelectField
            label="Is told of"
            value={fields.told}
            choices={tells}
            onValue={told => set({ told })}
            fault={faults.severities}
          />
          <Reminders fields={fields} faults={faults} onChange={set} />
          <Signature fields={fields} faults={faults} onChange={set} isSigned={channel?.signed === true} />
          <label className="tick">
            <input
              type="checkbox"
              checked={fields.enabled}
              onChange={event => set({ enabled: event.target.checked })}
            />
            Send messages to it
          </label>
        </>
      )}
    </FormDialog>
  )
}

interface PartProps {
  readonly fields: ChannelFields
  readonly faults: Readonly<Record<string, string>>
  readonly onChange: (change: Partial<ChannelFields>) => void
}

function Address({ fields, faults, onChange }: PartProps) {
  return (
    <>
      <TextField
        label="Name"
        placeholder="Who reads it"
        maxLength={limits.nameCharsMax}
        autoComplete="off"
        value={fields.name}
        onValue={name => onChange({ name })}
        fault={faults.name}
      />
      <TextField
        label="Address"
        type="url"
        placeholder="https://…"
        maxLength={limits.channelUrlCharsMax}
        autoComplete="off"
        value={fields.url}
        onValue={url => onChange({ url })}
        fault={faults.url}
        hint="It takes a POST with the alerts as JSON"
      />
    </>
  )
}

/** One that somebody set from elsewhere is a choice of its own. */
function Reminders({ fields, faults, onChange }: PartProps) {
  const [first] = useState(fields.remind)
  const isListed = reminds.some(([seconds]) => seconds === first)
  return (
    <SelectField
      label="Told again while it fires"
      value={fields.remind}
      choices={isListed ? reminds : [...reminds, [first, `every ${span(Number(first) * 1_000)}`]]}
      onValue={remind => onChange({ remind })}
      fault={faults.remind_every_s}
      hint="Not of what is silenced, and not once it is resolved"
    />
  )
}

function Signature({ fields, faults, onChange, isSigned }: PartProps & { readonly isSigned: boolean }) {
  return (
    <>
      <SelectField
        label="Signature"
        value={fields.signing}
        choices={isSigned ? signingsOfSigned : signingsOfOthers}
        onValue={signing => onChange({ signing })}
      />
      {fields.signing === 'new' ? (
        <PasswordField
          label="Secret"
          autoComplete="off"
          maxLength={limits.channelSecretCharsMax}
          value={fields.secret}
          onValue={secret => onChange({ secret })}
          fault={faults.secret}
          hint={`At least ${limits.channelSecretCharsMin} characters; the receiver checks the signature with it. It is never shown again.`}
        />
      ) : null}
    </>
  )
}

function fieldsOf(channel: AlertChannel | null): ChannelFields {
  return {
    name: channel?.name ?? '',
    url: channel?.url ?? '',
    told: tellsOf(channel),
    signing: channel?.signed === true ? 'keep' : 'none',
    secret: '',
    enabled: channel?.enabled ?? true,
    remind: String(channel?.remind_every_s ?? 'never'),
  }
}

function draftOf({ name, url, told, signing, secret, enabled, remind }: ChannelFields): AlertChannelDraft {
  return {
    name: name.trim(),
    url: url.trim(),
    severities: told === 'all' ? alertSeverities : [told],
    enabled,
    remind_every_s: remind === 'never' ? null : Number(remind),
    // A secret that is kept is not said: nobody can read it to say it again.
    ...(signing === 'keep' ? {} : { secret: signing === 'new' ? secret : null }),
  }
}

function tellsOf(channel: AlertChannel | null): Tells {
  const [only, other] = channel?.severities ?? alertSeverities
  return only === undefined || other !== undefined ? 'all' : only
}

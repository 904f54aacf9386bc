import { useQuery, useQueryClient } from '@tanstack/react-query'
import { type AlertRule, alertKindFacts, alertKinds, alertSeverities, limits } from '@tasklane/protocol'
import { useId, useState } from 'react'
import { send } from '../../api/http.ts'
import { queuesQuery, typesQuery } from '../../api/queries.ts'
import { SelectField, TextField } from '../../parts/fields.tsx'
import { FormDialog } from '../../parts/form-dialog.tsx'
import { span } from '../../parts/format.ts'
import { Known } from '../../parts/known.tsx'
import { severityText } from '../../parts/severity.tsx'
import { toast } from '../../shell/toasts.tsx'
import { changeOf, draftOf, fieldsOf, fieldsOfKind, lastingChoices, type RuleFields } from './rule-draft.ts'
import { conditionText, kindHints, thresholdLabel } from './words.ts'

interface RuleFormProps {
  /** Null makes a new one. */
  readonly rule: AlertRule | null
  readonly onClose: () => void
}

/** What a rule watches for, in fields and below them in one sentence. */
export function RuleForm({ rule, onClose }: RuleFormProps) {
  const client = useQueryClient()
  const [fields, setFields] = useState(() => (rule === null ? fieldsOfKind('queue_unserved') : fieldsOf(rule)))
  const set = (change: Partial<RuleFields>) => setFields({ ...fields, ...change })
  const save = async () => {
    if (rule === null) await send('POST', 'api/alerts/rules', draftOf(fields))
    else await send('PATCH', `api/alerts/rules/${encodeURIComponent(rule.rule_id)}`, changeOf(fields))
    toast('good', rule === null ? `The rule ${fields.name} watches.` : `The rule ${fields.name} is changed.`)
    await client.invalidateQueries({ queryKey: ['alerts'] })
    onClose()
  }
  return (
    <FormDialog
      title={rule === null ? 'Add a rule' : `The rule ${rule.name}`}
      verb={rule === null ? 'Add' : 'Save'}
      fields={['name', 'kind', 'threshold', 'window', 'least', 'for', 'severity', 'queue', 'task_type']}
      isReady={fields.name.trim() !== ''}
      onSubmit={save}
      onClose={onClose}
    >
      {faults => (
        <>
          <What fields={fields} faults={faults} onChange={set} isNew={rule === null} />
          <Measure fields={fields} faults={faults} onChange={set} />
          <Place fields={fields} faults={faults} onChange={set} />
          <HowBad fields={fields} faults={faults} onChange={set} />
          <Sentence fields={fields} />
        </>
      )}
    </FormDialog>
  )
}

interface PartProps {
  readonly fields: RuleFields
  readonly faults: Readonly<Record<string, string>>
  readonly onChange: (change: Partial<RuleFields>) => void
}

/** Its name, and what it is about; the kind of a rule that is there never changes. */
function What({ fields, faults, onChange, isNew }: PartProps & { readonly isNew: boolean }) {
  return (
    <>
      <TextField
        label="Name"
        placeholder="What it is called in a message"
        maxLength={limits.nameCharsMax}
        autoComplete="off"
        value={fields.name}
        onValue={name => onChange({ name })}
        fault={faults.name}
      />
      {isNew ? (
        <SelectField
          label="Watches for"
          value={fields.kind}
          choices={alertKinds.map(kind => [kind, alertKindFacts[kind].title] as const)}
          onValue={kind => onChange(fieldsOfKind(kind, fields))}
          hint={kindHints[fields.kind]}
          fault={faults.kind}
        />
      ) : (
        <p className="hint">{kindHints[fields.kind]}</p>
      )}
    </>
  )
}

/** After how long, and how bad it is then. */
function HowBad({ fields, faults, onChange }: PartProps) {
  return (
    <div className="two">
      <SelectField
        label="When it has held for"
        value={fields.for}
        choices={lastingChoices(fields.for)}
        onValue={lasting => onChange({ for: lasting })}
        fault={faults.for}
      />
      <SelectField
        label="Severity"
        value={fields.severity}
        choices={alertSeverities.map(each => [each, severityText(each)] as const)}
        onValue={severity => onChange({ severity })}
        fault={faults.severity}
      />
    </div>
  )
}

/** How much is too much, and over what time; of kinds that measure something. */
function Measure({ fields, faults, onChange }: PartProps) {
  const { threshold, windows, least } = alertKindFacts[fields.kind]
  if (threshold === null && windows === null) return null
  const seconds = threshold?.unit === 'seconds' ? Number(fields.threshold) : 0
  return (
    <div className="two">
      {threshold === null ? null : (
        <TextField
          label={thresholdLabel(threshold)}
          inputMode="decimal"
          autoComplete="off"
          value={fields.threshold}
          onValue={text => onChange({ threshold: text })}
          {...(seconds >= 60 ? { hint: span(seconds * 1_000) } : {})}
          fault={faults.threshold}
        />
      )}
      {windows === null ? null : (
        <SelectField
          label="Within the last"
          value={fields.window}
          choices={windows.map(each => [String(each), span(each * 1_000)] as const)}
          onValue={window => onChange({ window })}
          fault={faults.window}
        />
      )}
      {least === null ? null : (
        <TextField
          label="Of so many tasks or more"
          inputMode="numeric"
          autoComplete="off"
          value={fields.least}
          onValue={text => onChange({ least: text })}
          hint="Of a few, a share says nothing"
          fault={faults.least}
        />
      )}
    </div>
  )
}

/** Which queue and which type; of kinds that are about one. */
function Place({ fields, faults, onChange }: PartProps) {
  const id = useId()
  const { queue, takesType } = alertKindFacts[fields.kind]
  const { data: queues } = useQuery(queuesQuery)
  const { data: types } = useQuery(typesQuery)
  if (queue === null && !takesType) return null
  return (
    <div className="two">
      {queue === null ? null : (
        <TextField
          label="Queue"
          placeholder={queue === 'each' ? 'each by itself' : 'all together'}
          list={`${id}-queues`}
          autoCapitalize="none"
          value={fields.queue}
          onValue={name => onChange({ queue: name })}
          fault={faults.queue}
        />
      )}
      {takesType ? (
        <TextField
          label="Type"
          placeholder="every type"
          list={`${id}-types`}
          autoCapitalize="none"
          value={fields.task_type}
          onValue={name => onChange({ task_type: name })}
          fault={faults.task_type}
        />
      ) : null}
      <Known id={`${id}-queues`} typed={fields.queue} names={(queues ?? []).map(each => each.name)} />
      <Known id={`${id}-types`} typed={fields.task_type} names={(types ?? []).map(each => each.task_type)} />
    </div>
  )
}

/** What was said so far, as the list of rules will say it. */
function Sentence({ fields }: { readonly fields: RuleFields }) {
  const { threshold = null, window = null, least = null, queue = null, task_type = null } = draftOf(fields)
  const isNumber = (value: number | null) => value === null || Number.isFinite(value)
  if (!isNumber(threshold) || !isNumber(least)) return null
  return (
    <p className="rule-sentence">
      {conditionText({ kind: fields.kind, threshold, window, least, for: Number(fields.for), queue, task_type })}
    </p>
  )
}

import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { AlertRule } from '@tasklane/protocol'
import { BellPlus, Pencil, Plus, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { send } from '../../api/http.ts'
import { alertRulesQuery } from '../../api/queries.ts'
import { Button, Failure, Notice, Panel, Skeleton, Stale } from '../../parts/basic.tsx'
import { Confirm } from '../../parts/dialog.tsx'
import { plural } from '../../parts/format.ts'
import { Severity } from '../../parts/severity.tsx'
import { Table } from '../../parts/table.tsx'
import { useMay } from '../../shell/me.ts'
import { toast, toastError } from '../../shell/toasts.tsx'
import { RuleForm } from './rule-form.tsx'
import { conditionText } from './words.ts'

/** What is watched for, each rule in a sentence. */
export function Rules() {
  const { data: rules, error, refetch, dataUpdatedAt } = useQuery(alertRulesQuery)
  const mayManage = useMay('alerts.manage')
  const [isAdding, setAdding] = useState(false)
  if (rules === undefined)
    return error === null ? <Skeleton rows={8} /> : <Failure error={error} onRetry={() => void refetch()} />
  const watching = rules.filter(rule => rule.enabled).length
  return (
    <>
      <Stale error={error} at={dataUpdatedAt} />
      <Panel
        isFlush
        title="Rules"
        side={
          <div className="panel-tools">
            <span className="faint">
              {plural(watching, 'rule')} {watching === 1 ? 'watches' : 'watch'}
            </span>
            {mayManage ? (
              <Button isSmall icon={Plus} onClick={() => setAdding(true)}>
                Add a rule
              </Button>
            ) : null}
          </div>
        }
      >
        {rules.length === 0 ? (
          <Notice icon={BellPlus} title="There is no rule">
            <p>A rule says what to watch for; what it finds is an alert.</p>
          </Notice>
        ) : (
          <Table label="Rules" columns={['Rule', 'Severity', 'On']}>
            {rules.map(rule => (
              <RuleRow key={rule.rule_id} rule={rule} mayManage={mayManage} />
            ))}
          </Table>
        )}
      </Panel>
      {isAdding ? <RuleForm rule={null} onClose={() => setAdding(false)} /> : null}
    </>
  )
}

function RuleRow({ rule, mayManage }: { readonly rule: AlertRule; readonly mayManage: boolean }) {
  const [isEditing, setEditing] = useState(false)
  return (
    <tr className={rule.enabled ? '' : 'row-off'} data-rule={rule.rule_id}>
      <td>
        <div className="rule-words">
          <Link
            to="/alerts"
            search={{ tab: 'history', rule: rule.rule_id }}
            className="strong-link"
            title="What it found"
          >
            {rule.name}
          </Link>
          <span>{conditionText(rule)}</span>
        </div>
      </td>
      <td>
        <Severity severity={rule.severity} />
      </td>
      <td>{mayManage ? <Switch rule={rule} /> : rule.enabled ? 'on' : 'off'}</td>
      <td className="actions">
        {mayManage ? (
          <span className="rule-acts">
            <Button look="ghost" isSmall icon={Pencil} label={`Edit ${rule.name}`} onClick={() => setEditing(true)} />
            {rule.default ? null : <DeleteRule rule={rule} />}
          </span>
        ) : null}
        {isEditing ? <RuleForm rule={rule} onClose={() => setEditing(false)} /> : null}
      </td>
    </tr>
  )
}

function useTellRules(): () => Promise<void> {
  const client = useQueryClient()
  return () => client.invalidateQueries({ queryKey: ['alerts'] })
}

function Switch({ rule }: { readonly rule: AlertRule }) {
  const tell = useTellRules()
  const [isBusy, setBusy] = useState(false)
  const turn = async () => {
    setBusy(true)
    try {
      await send('PATCH', `api/alerts/rules/${encodeURIComponent(rule.rule_id)}`, { enabled: !rule.enabled })
      await tell()
    } catch (error) {
      toastError(error)
    } finally {
      setBusy(false)
    }
  }
  return (
    <input
      type="checkbox"
      role="switch"
      className="switch"
      aria-label={`${rule.name} watches`}
      checked={rule.enabled}
      aria-checked={rule.enabled}
      disabled={isBusy}
      onChange={() => void turn()}
    />
  )
}

function DeleteRule({ rule }: { readonly rule: AlertRule }) {
  const tell = useTellRules()
  const [isAsking, setAsking] = useState(false)
  const remove = async () => {
    await send('DELETE', `api/alerts/rules/${encodeURIComponent(rule.rule_id)}`)
    toast('good', `The rule ${rule.name} is gone.`)
    await tell()
  }
  return (
    <>
      <Button look="ghost" isSmall icon={Trash2} label={`Delete ${rule.name}`} onClick={() => setAsking(true)} />
      <Confirm
        title={`Delete ${rule.name}?`}
        verb="Delete"
        isDanger
        isOpen={isAsking}
        onClose={() => setAsking(false)}
        onConfirm={remove}
      >
        <p>It watches no more, and what fires by it ends. To stop it for a while, turn it off.</p>
      </Confirm>
    </>
  )
}

import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { ShieldX } from 'lucide-react'
import type { FC } from 'react'
import { meQuery } from '../../api/queries.ts'
import { Notice, PageHead } from '../../parts/basic.tsx'
import { mayOf } from '../../shell/me.ts'
import { AlertPeek } from './alert-peek.tsx'
import { Channels } from './channels.tsx'
import { Firing } from './firing.tsx'
import { History } from './history.tsx'
import { Rules } from './rules.tsx'
import { type AlertsTab, alertsTabs } from './search.ts'
import './alerts.css'
import { PageTabs } from '../../parts/page-tabs.tsx'

const tabs: Readonly<Record<AlertsTab, readonly [text: string, Content: FC]>> = {
  firing: ['Firing', Firing],
  history: ['History', History],
  rules: ['Rules', Rules],
  channels: ['Channels', Channels],
}

/** What watches the work, what it found, and who is told. */
export function Alerts() {
  const { data: me } = useQuery(meQuery)
  const { alert, ...search } = useSearch({ from: '/alerts' })
  const navigate = useNavigate()
  const show = (value: string) => {
    const next = alertsTabs.find(each => each === value)
    if (next !== undefined) void navigate({ to: '/alerts', search: next === 'firing' ? {} : { tab: next } })
  }
  if (me !== undefined && !mayOf(me, 'alerts.read')) {
    return (
      <div className="page">
        <PageHead title="Alerts" />
        <Notice icon={ShieldX} title="Not allowed">
          <p>Alerts are about everybody’s tasks; the role {me.role} sees its own. An administrator can change it.</p>
        </Notice>
      </div>
    )
  }
  const seen = alertsTabs.filter(tab => tab !== 'channels' || mayOf(me, 'alerts.manage'))
  const tab = seen.find(each => each === search.tab) ?? 'firing'
  return (
    <div className="page">
      <PageHead title="Alerts" note="What is watched, what was found, and who is told of it." />
      <PageTabs label="Alerts" seen={seen} tabs={tabs} value={tab} onShow={show} />
      {alert === undefined ? null : <AlertPeek id={alert} onClose={() => void navigate({ to: '/alerts', search })} />}
    </div>
  )
}

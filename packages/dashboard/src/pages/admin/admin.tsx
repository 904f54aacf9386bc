import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { ShieldX } from 'lucide-react'
import type { FC } from 'react'
import { meQuery } from '../../api/queries.ts'
import { Notice, PageHead } from '../../parts/basic.tsx'
import { PageTabs } from '../../parts/page-tabs.tsx'
import { mayOf } from '../../shell/me.ts'
import { About } from './about.tsx'
import { Audit } from './audit.tsx'
import { OwnUser } from './own-user.tsx'
import { type AdminTab, adminTabs } from './search.ts'
import { Tokens } from './tokens.tsx'
import { Users } from './users.tsx'

const tabs: Readonly<Record<AdminTab, readonly [text: string, Content: FC]>> = {
  users: ['Users', Users],
  tokens: ['Tokens', Tokens],
  audit: ['Audit log', Audit],
  about: ['About', About],
}

export function Admin() {
  const { data: me } = useQuery(meQuery)
  const { tab = 'users' } = useSearch({ from: '/admin' })
  const navigate = useNavigate()
  const show = (value: string) => {
    const next = adminTabs.find(each => each === value)
    if (next !== undefined) void navigate({ to: '/admin', search: { tab: next } })
  }
  if (me !== undefined && !mayOf(me, 'accounts')) {
    return (
      <div className="page">
        <PageHead title="Admin" />
        <Notice icon={ShieldX} title="Not allowed">
          <p>
            Users, tokens and the audit log are for the role admin; yours is {me.role}. An administrator can change it.
          </p>
        </Notice>
      </div>
    )
  }
  return (
    <div className="page">
      <PageHead title="Admin" note="Who may come in, with what, and what they did." />
      {me === undefined || me.auth === 'required' ? null : <OwnUser auth={me.auth} />}
      <PageTabs label="Admin" seen={adminTabs} tabs={tabs} value={tab} onShow={show} />
    </div>
  )
}

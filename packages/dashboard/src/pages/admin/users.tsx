import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import type { User } from '@tasklane/protocol'
import {
  Ban,
  CircleCheck,
  Ellipsis,
  History,
  KeyRound,
  LogOut,
  ShieldCheck,
  UserPlus,
  Users as UsersIcon,
} from 'lucide-react'
import { DropdownMenu } from 'radix-ui'
import { type ReactNode, useState } from 'react'
import { meQuery, usersQuery } from '../../api/queries.ts'
import { useAfterMenu } from '../../parts/after-menu.ts'
import { Table } from '../../parts/table.tsx'
import { Time } from '../../parts/time.tsx'
import { toastError } from '../../shell/toasts.tsx'
import { Roll } from './roll.tsx'
import { ChangeRole, Disable, EndSessions, NewUser, ResetPassword, useChange } from './user-forms.tsx'

export function Users() {
  return (
    <Roll
      title="Users"
      query={useQuery(usersQuery)}
      isEnded={user => user.disabled}
      ended="disabled user"
      add={{ icon: UserPlus, text: 'Add a user', Form: NewUser }}
      nothing={disabled => ({
        icon: UsersIcon,
        title: 'No user may log in',
        text:
          disabled === 0
            ? 'There is none yet. Set one up above, or let the first start that asks for a login make one.'
            : 'All that there are, are disabled.',
      })}
    >
      {users => (
        <Table label="Users" columns={['Name', 'Role', 'State', '-Created', '-Changed']}>
          {users.map(user => (
            <UserRow key={user.name} user={user} />
          ))}
        </Table>
      )}
    </Roll>
  )
}

function UserRow({ user }: { readonly user: User }) {
  const { data: me } = useQuery(meQuery)
  const isMe = me?.kind === 'user' && me.name === user.name
  return (
    <tr className={user.disabled ? 'row-off' : ''}>
      <td>
        <span className="strong-link">{user.name}</span> {isMe ? <span className="badge badge-small">you</span> : null}
      </td>
      <td>{user.role}</td>
      <td>
        {user.disabled ? (
          <span className="state tone-cancelled">
            <Ban size={14} aria-hidden="true" /> Disabled
          </span>
        ) : (
          <span className="state tone-completed">
            <CircleCheck size={14} aria-hidden="true" /> May log in
          </span>
        )}
      </td>
      <td className="not-phone">
        <Time at={user.created_at} />
      </td>
      <td className="not-phone">
        <Time at={user.changed_at} />
      </td>
      <td className="actions">
        <UserActions user={user} isMe={isMe} />
      </td>
    </tr>
  )
}

const dialogs = { role: ChangeRole, password: ResetPassword, sessions: EndSessions, disable: Disable } as const

function UserActions({ user, isMe }: { readonly user: User; readonly isMe: boolean }) {
  const navigate = useNavigate()
  const change = useChange(user)
  const { trigger, later, onCloseAutoFocus } = useAfterMenu()
  const [open, setOpen] = useState<keyof typeof dialogs | null>(null)
  const Open = open === null ? null : dialogs[open]
  const ask = (dialog: keyof typeof dialogs) => later(() => setOpen(dialog))
  return (
    <>
      <DropdownMenu.Root modal={false}>
        <DropdownMenu.Trigger
          ref={trigger}
          className="button button-ghost button-icon"
          aria-label={`Actions for ${user.name}`}
        >
          <Ellipsis size={16} aria-hidden="true" />
        </DropdownMenu.Trigger>
        <DropdownMenu.Portal>
          <DropdownMenu.Content className="menu" align="end" sideOffset={4} onCloseAutoFocus={onCloseAutoFocus}>
            <Item icon={<ShieldCheck size={14} />} onSelect={ask('role')}>
              Change the role
            </Item>
            <Item icon={<KeyRound size={14} />} onSelect={ask('password')}>
              Set a new password
            </Item>
            <Item icon={<LogOut size={14} />} onSelect={ask('sessions')}>
              Log out everywhere
            </Item>
            <Item
              icon={<History size={14} />}
              onSelect={() => void navigate({ to: '/admin', search: { tab: 'audit', actor: user.name } })}
            >
              What {user.name} did
            </Item>
            <DropdownMenu.Separator className="menu-line" />
            {user.disabled ? (
              <Item
                icon={<CircleCheck size={14} />}
                onSelect={() => void change({ disabled: false }, `${user.name} may log in again.`).catch(toastError)}
              >
                Enable
              </Item>
            ) : (
              <Item icon={<Ban size={14} />} onSelect={ask('disable')}>
                Disable
              </Item>
            )}
          </DropdownMenu.Content>
        </DropdownMenu.Portal>
      </DropdownMenu.Root>
      {Open === null ? null : <Open user={user} isMe={isMe} onClose={() => setOpen(null)} />}
    </>
  )
}

interface ItemProps {
  readonly icon: ReactNode
  readonly onSelect: () => void
  readonly children: ReactNode
}

function Item({ icon, onSelect, children }: ItemProps) {
  return (
    <DropdownMenu.Item className="menu-item" onSelect={onSelect}>
      {icon} <span className="clip">{children}</span>
    </DropdownMenu.Item>
  )
}

import { useQueryClient } from '@tanstack/react-query'
import type { Me } from '@tasklane/protocol'
import { Clock, Keyboard, KeyRound, LogOut, Moon, UserRound } from 'lucide-react'
import { DropdownMenu } from 'radix-ui'
import { forgetAll, send } from '../api/http.ts'
import { useAfterMenu } from '../parts/after-menu.ts'
import { type Preferences, setPreferences, usePreferences } from './preferences.ts'
import { toastError } from './toasts.tsx'

export interface UserMenuProps {
  readonly me: Me
  readonly onShortcuts: () => void
  readonly onPassword: () => void
}

export function UserMenu({ me, onShortcuts, onPassword }: UserMenuProps) {
  const client = useQueryClient()
  const { trigger, later, onCloseAutoFocus } = useAfterMenu()
  const { theme, times, areKeysOn } = usePreferences()
  const logOut = async () => {
    try {
      await send('DELETE', 'api/session')
      forgetAll()
      await client.resetQueries()
    } catch (error) {
      toastError(error)
    }
  }
  return (
    <DropdownMenu.Root defaultOpen modal={false}>
      <DropdownMenu.Trigger
        ref={trigger}
        className="button button-ghost button-icon"
        aria-label={`Menu of ${me.name ?? 'anyone'}`}
      >
        <UserRound size={16} aria-hidden="true" />
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className="menu" align="end" sideOffset={6} onCloseAutoFocus={onCloseAutoFocus}>
          <div className="menu-who">
            <strong>{me.kind === 'open' ? 'Not logged in' : me.name}</strong>
            <span className="faint">Role {me.role}</span>
          </div>
          <DropdownMenu.Separator className="menu-line" />
          <Choice
            icon={<Moon size={14} aria-hidden="true" />}
            text="Theme"
            value={theme}
            values={['system', 'dark', 'light']}
            onChoose={value => setPreferences({ theme: value })}
          />
          <Choice
            icon={<Clock size={14} aria-hidden="true" />}
            text="Times"
            value={times}
            values={['relative', 'local', 'utc']}
            onChoose={value => setPreferences({ times: value })}
          />
          <DropdownMenu.Separator className="menu-line" />
          <DropdownMenu.CheckboxItem
            className="menu-item"
            checked={areKeysOn}
            onCheckedChange={isOn => setPreferences({ areKeysOn: isOn })}
          >
            <Keyboard size={14} aria-hidden="true" /> Single-key shortcuts: {areKeysOn ? 'on' : 'off'}
          </DropdownMenu.CheckboxItem>
          <DropdownMenu.Item className="menu-item" onSelect={later(onShortcuts)}>
            <Keyboard size={14} aria-hidden="true" /> Shortcuts <kbd>?</kbd>
          </DropdownMenu.Item>
          {me.kind === 'user' ? (
            <>
              <DropdownMenu.Separator className="menu-line" />
              <DropdownMenu.Item className="menu-item" onSelect={later(onPassword)}>
                <KeyRound size={14} aria-hidden="true" /> Change the password
              </DropdownMenu.Item>
              <DropdownMenu.Item className="menu-item" onSelect={() => void logOut()}>
                <LogOut size={14} aria-hidden="true" /> Log out
              </DropdownMenu.Item>
            </>
          ) : null}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  )
}

interface ChoiceProps<Value extends Preferences['theme'] | Preferences['times']> {
  readonly icon: React.ReactNode
  readonly text: string
  readonly value: Value
  readonly values: readonly Value[]
  readonly onChoose: (value: Value) => void
}

function Choice<Value extends Preferences['theme'] | Preferences['times']>(props: ChoiceProps<Value>) {
  return (
    <DropdownMenu.RadioGroup value={props.value} className="menu-choice" aria-label={props.text}>
      <span className="menu-label">
        {props.icon} {props.text}
      </span>
      <span className="segments">
        {props.values.map(value => (
          <DropdownMenu.RadioItem
            key={value}
            value={value}
            className="segment"
            onSelect={event => {
              // The menu stays, so that the effect is seen beside the choice.
              event.preventDefault()
              props.onChoose(value)
            }}
          >
            {value === 'utc' ? 'UTC' : value}
          </DropdownMenu.RadioItem>
        ))}
      </span>
    </DropdownMenu.RadioGroup>
  )
}

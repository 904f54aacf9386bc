import { Button } from '../parts/basic.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { setPreferences, usePreferences } from './preferences.ts'

const groups: readonly (readonly [string, readonly (readonly [string, string])[]])[] = [
  [
    'Everywhere',
    [
      ['Ctrl K', 'Search, jump, act'],
      ['n', 'Submit a task'],
      ['/', 'Search in tasks'],
      ['l', 'Live on or off'],
      ['t', 'Dark or light'],
      ['?', 'This sheet'],
    ],
  ],
  [
    'Go to',
    [
      ['g o', 'Overview'],
      ['g t', 'Tasks'],
      ['g q', 'Queues'],
      ['g w', 'Workers'],
      ['g f', 'Failures'],
      ['g l', 'Alerts'],
      ['g a', 'Admin'],
    ],
  ],
  [
    'In the list of tasks',
    [
      ['j  k', 'Next or previous row'],
      ['Enter', 'Open the task'],
      ['Space', 'Look at the task beside the list'],
      ['x', 'Select the row'],
      ['Shift X', 'Select all rows up to this one'],
      ['c  r', 'Cancel or retry the row'],
      ['.', 'Show the new ones'],
    ],
  ],
  [
    'On a task',
    [
      ['c', 'Cancel'],
      ['r', 'Retry'],
      ['p', 'Set its priority'],
      ['e', 'Run again with edits'],
      ['[  ]', 'Previous or next in its list'],
    ],
  ],
]

export function Shortcuts({ onClose }: { readonly onClose: () => void }) {
  const { areKeysOn } = usePreferences()
  return (
    <Dialog title="Keyboard shortcuts" isOpen onClose={onClose}>
      {areKeysOn ? null : (
        <p className="keys-off">
          <span>Single keys are turned off; of these only Ctrl K works.</span>
          <Button isSmall onClick={() => setPreferences({ areKeysOn: true })}>
            Turn them on
          </Button>
        </p>
      )}
      <div className="shortcut-groups">
        {groups.map(([title, keys]) => (
          <section key={title}>
            <h3>{title}</h3>
            <dl>
              {keys.map(([key, text]) => (
                <div key={key}>
                  <dt>
                    <kbd>{key}</kbd>
                  </dt>
                  <dd>{text}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  )
}

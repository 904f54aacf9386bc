import { Dices } from 'lucide-react'
import { useState } from 'react'
import { Button, Snippet } from '../../parts/basic.tsx'
import { PasswordField } from '../../parts/fields.tsx'

/** Without letters that are taken for each other when a password is read out: 20 of them are 115 bits. */
const letters = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789'
const length = 20

interface NewPasswordProps {
  readonly value: string
  readonly onValue: (password: string) => void
  readonly fault: string | undefined
}

/** A password for somebody else: chosen, or made by chance and shown, since somebody has to be told it. */
export function NewPassword({ value, onValue, fault }: NewPasswordProps) {
  const [made, setMade] = useState<string | null>(null)
  const generate = () => {
    const password = makePassword()
    setMade(password)
    onValue(password)
  }
  return (
    <>
      <PasswordField
        label="Password"
        autoComplete="new-password"
        value={value}
        onValue={onValue}
        fault={fault}
        hint="8 characters or more"
      />
      <div>
        <Button isSmall icon={Dices} onClick={generate}>
          Generate one
        </Button>
        {made !== null && made === value ? <Snippet text={made} label="Copy the password" /> : null}
      </div>
    </>
  )
}

function makePassword(): string {
  let password = ''
  while (password.length < length) {
    // Above the last whole round some letters would come more often than others.
    for (const byte of crypto.getRandomValues(new Uint8Array(length))) {
      const isEven = byte < 256 - (256 % letters.length)
      if (isEven && password.length < length) password += letters[byte % letters.length] ?? ''
    }
  }
  return password
}

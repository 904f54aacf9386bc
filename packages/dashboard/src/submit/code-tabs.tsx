import type { Json } from '@tasklane/protocol'
import { Tabs } from 'radix-ui'
import { Snippet } from '../parts/basic.tsx'
import { codeOf, type Language } from './drafts.ts'

const languages: readonly Language[] = ['curl', 'TypeScript', 'CLI']

export function CodeTabs({ body }: { readonly body: Readonly<Record<string, Json>> }) {
  return (
    <Tabs.Root defaultValue="curl">
      <Tabs.List className="segments" aria-label="Language">
        {languages.map(language => (
          <Tabs.Trigger key={language} value={language} className="segment">
            {language}
          </Tabs.Trigger>
        ))}
      </Tabs.List>
      {languages.map(language => (
        <Tabs.Content key={language} value={language} tabIndex={-1}>
          <Snippet text={codeOf(body, language)} label={`Copy as ${language}`} />
        </Tabs.Content>
      ))}
    </Tabs.Root>
  )
}

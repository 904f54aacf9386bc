import { useQuery } from '@tanstack/react-query'
import { Tabs } from 'radix-ui'
import { root } from '../api/http.ts'
import { meQuery } from '../api/queries.ts'
import { Snippet } from '../parts/basic.tsx'
import { type Body, type CodePlace, codeOf, languages } from './code.ts'

/** Where the snippets of these pages find the scheduler: the address at which the browser found it. */
export function useCodePlace(): CodePlace {
  const { data: me } = useQuery(meQuery)
  return { url: root.href.replace(/\/$/, ''), needsToken: me !== undefined && me.auth !== 'open' }
}

/** Larger ones do no shell any good, and would be slow to draw. */
const shownCharsMax = 100_000

export function CodeTabs({ body }: { readonly body: Body }) {
  const place = useCodePlace()
  return (
    <Tabs.Root defaultValue="curl">
      <Tabs.List className="segments" aria-label="Language">
        {languages.map(language => (
          <Tabs.Trigger key={language} value={language} className="segment">
            {language}
          </Tabs.Trigger>
        ))}
      </Tabs.List>
      {languages.map(language => {
        const text = codeOf(body, language, place)
        return (
          <Tabs.Content key={language} value={language} tabIndex={-1}>
            {text.length > shownCharsMax ? (
              <p className="faint">The payload is too large for a snippet; download it and send it from a file.</p>
            ) : (
              <Snippet text={text} label={`Copy as ${language}`} />
            )}
          </Tabs.Content>
        )
      })}
    </Tabs.Root>
  )
}

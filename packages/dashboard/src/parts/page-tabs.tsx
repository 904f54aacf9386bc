import { Tabs } from 'radix-ui'
import type { ComponentType } from 'react'

interface PageTabsProps<Name extends string> {
  readonly label: string
  /** In the order in which they stand. */
  readonly seen: readonly Name[]
  readonly tabs: Readonly<Record<Name, readonly [title: string, content: ComponentType]>>
  readonly value: Name
  readonly onShow: (name: string) => void
}

/** The parts of a page, of which one is seen. */
export function PageTabs<Name extends string>({ label, seen, tabs, value, onShow }: PageTabsProps<Name>) {
  return (
    <Tabs.Root value={value} onValueChange={onShow}>
      <Tabs.List className="segments tabs" aria-label={label}>
        {seen.map(each => (
          <Tabs.Trigger key={each} value={each} className="segment">
            {tabs[each][0]}
          </Tabs.Trigger>
        ))}
      </Tabs.List>
      {seen.map(each => {
        const [, Content] = tabs[each]
        return (
          <Tabs.Content key={each} value={each} tabIndex={-1} className="stack">
            <Content />
          </Tabs.Content>
        )
      })}
    </Tabs.Root>
  )
}

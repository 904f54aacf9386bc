import type { ReactNode } from 'react'

interface TableProps {
  readonly label: string
  /** Heads in their order; what starts with a dash is no column of a phone. The column of the buttons comes last by itself. */
  readonly columns: readonly string[]
  readonly children: ReactNode
}

/** A table that scrolls sidewards where it has to, with buttons at the end of each row. */
export function Table({ label, columns, children }: TableProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard
    <section className="scroll-x" tabIndex={0} aria-label={label}>
      <table className="table">
        <thead>
          <tr>
            {columns.map(column => (
              <th key={column} scope="col" className={column.startsWith('-') ? 'not-phone' : undefined}>
                {column.replace(/^-/, '')}
              </th>
            ))}
            <th scope="col">
              <span className="offscreen">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </section>
  )
}

import type { Json } from '@tasklane/protocol'
import { Download } from 'lucide-react'
import { useState } from 'react'
import { Button, CopyButton } from './basic.tsx'
import { bytes, json } from './format.ts'

/** Above this a tree of elements would be slow; the text is shown, as much of it as one can read. */
const treeCharsMax = 100_000
const shownCharsMax = 200_000

interface JsonViewProps {
  readonly value: Json
  readonly label: string
  readonly fileName: string
}

/** Any JSON value, as a tree that folds or as text; with copy and download. Everything in it is text, whatever it says. */
export function JsonView({ value, label, fileName }: JsonViewProps) {
  const text = json(value)
  const isLarge = text.length > treeCharsMax
  const [isRaw, setRaw] = useState(isLarge)
  return (
    <div className="json">
      <div className="json-tools">
        <span className="faint">{bytes(new Blob([text]).size)}</span>
        {isLarge ? null : (
          <Button look="ghost" isSmall onClick={() => setRaw(!isRaw)}>
            {isRaw ? 'Tree' : 'Text'}
          </Button>
        )}
        <CopyButton text={text} label={`Copy the ${label}`} />
        <Button
          look="ghost"
          isSmall
          icon={Download}
          label={`Download the ${label}`}
          onClick={() => download(fileName, 'application/json', text)}
        />
      </div>
      {isRaw ? (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard
        <pre className="json-text" tabIndex={0}>
          {text.slice(0, shownCharsMax)}
          {text.length > shownCharsMax ? '\n… download it to see the rest' : ''}
        </pre>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: as above
        <section className="json-tree" tabIndex={0} aria-label={label}>
          <Node value={value} depth={0} />
        </section>
      )}
    </div>
  )
}

function Node({ value, depth, name }: { readonly value: Json; readonly depth: number; readonly name?: string }) {
  const key = name === undefined ? null : <span className="json-key">{name}: </span>
  if (value === null || typeof value !== 'object') {
    return (
      <div className="json-line">
        {key}
        <span className={`json-${value === null ? 'null' : typeof value}`}>{JSON.stringify(value)}</span>
      </div>
    )
  }
  // A list and an object look alike from here: names and values.
  const entries = Object.entries(value as { readonly [name: string]: Json })
  const isList = Array.isArray(value)
  const [open, close] = isList ? ['[', ']'] : ['{', '}']
  if (entries.length === 0) {
    return (
      <div className="json-line">
        {key}
        {open}
        {close}
      </div>
    )
  }
  return (
    <details open={depth < 2 && entries.length <= 100}>
      <summary className="json-line">
        {key}
        <span className="faint">
          {open} {entries.length} {close}
        </span>
      </summary>
      <div className="json-inside">
        {entries.slice(0, 1_000).map(([inner, each]) => (
          <Node key={inner} name={inner} value={each} depth={depth + 1} />
        ))}
        {entries.length > 1_000 ? <div className="faint">… {entries.length - 1_000} more, as text</div> : null}
      </div>
    </details>
  )
}

export function download(name: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  URL.revokeObjectURL(url)
}

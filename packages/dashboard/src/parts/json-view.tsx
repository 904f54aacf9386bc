import { useVirtualizer } from '@tanstack/react-virtual'
import type { Json } from '@tasklane/protocol'
import { ChevronDown, ChevronRight, ChevronsDownUp, ChevronsUpDown, Download } from 'lucide-react'
import {
  type KeyboardEvent,
  memo,
  useCallback,
  useDeferredValue,
  useEffect,
  useId,
  useMemo,
  useRef,
  useState,
} from 'react'
import { Button, CopyButton } from './basic.tsx'
import { bytes, exactCount, json } from './format.ts'
import { findInJson, isOpenAtFirst, type JsonMatch, type JsonRow, linesOf, rowsOf } from './json-rows.ts'
import './json-view.css'

const rowHeight = 22
const matchesMax = 1_000
const shortCharsMax = 240
/** A value cut here is shown whole below the tree when its line is chosen. */
const valueCharsMax = 200
const detailCharsMax = 20_000

interface JsonViewProps {
  readonly value: Json
  readonly label: string
  readonly fileName: string
}

/**
 * Any JSON value, as a tree that folds or as text, searched, copied and downloaded. Only the lines in sight are in the
 * document, so that a mebibyte is as quick as a line. Everything in it is text, whatever it says.
 */
export function JsonView({ value, label, fileName }: JsonViewProps) {
  const text = useMemo(() => json(value), [value])
  const [isRaw, setRaw] = useState(false)
  const [find, setFind] = useState('')
  const tree = useTree(value, find)
  // What one sees at a glance needs no tools to find one's way in it.
  const isLong = text.length > shortCharsMax
  return (
    <div className="json">
      <div className="json-tools">
        <span className="faint">{bytes(new Blob([text]).size)}</span>
        {isRaw || !isLong ? null : (
          <>
            <FindField label={label} text={find} onText={setFind} tree={tree} />
            <Button
              look="ghost"
              isSmall
              icon={ChevronsUpDown}
              label={`Open all of the ${label}`}
              onClick={() => tree.setAll(true)}
            />
            <Button
              look="ghost"
              isSmall
              icon={ChevronsDownUp}
              label={`Fold the ${label}`}
              onClick={() => tree.setAll(false)}
            />
          </>
        )}
        <Button look="ghost" isSmall aria-pressed={isRaw} onClick={() => setRaw(!isRaw)}>
          Text
        </Button>
        <CopyButton text={text} label={`Copy the ${label}`} />
        <Button
          look="ghost"
          isSmall
          icon={Download}
          label={`Download the ${label}`}
          onClick={() => download(fileName, 'application/json', text)}
        />
      </div>
      {isRaw ? <Lines text={text} label={label} /> : <Tree tree={tree} label={label} />}
    </div>
  )
}

type TreeState = ReturnType<typeof useTree>

function useTree(value: Json, find: string) {
  const [byHand, setByHand] = useState<ReadonlyMap<string, boolean>>(new Map())
  const [all, setAllTo] = useState<boolean | null>(null)
  const [chosen, setChosen] = useState('')
  const [matchAt, setMatchAt] = useState(0)
  const wanted = useDeferredValue(find)
  const matches = useMemo(() => findInJson(value, wanted, matchesMax), [value, wanted])
  const rows = useMemo(
    () =>
      rowsOf(value, (path, depth, size) => byHand.get(path) ?? (depth === 0 || (all ?? isOpenAtFirst(depth, size)))),
    [value, byHand, all],
  )
  const open = (paths: readonly string[], isOpen: boolean) =>
    setByHand(old => new Map([...old, ...paths.map(path => [path, isOpen] as const)]))
  const goTo = (match: JsonMatch | undefined, at: number) => {
    if (match === undefined) return
    setMatchAt(at)
    setChosen(match.path)
    open(match.above, true)
  }
  // biome-ignore lint/correctness/useExhaustiveDependencies: only another search goes to its first match
  useEffect(() => goTo(matches[0], 0), [matches])
  return {
    rows,
    chosen,
    setChosen,
    matches,
    matchAt,
    toggle: (row: JsonRow) => open([row.path], !row.isOpen),
    step: (by: number) => {
      const at = (matchAt + by + matches.length) % Math.max(1, matches.length)
      goTo(matches[at], at)
    },
    setAll: (isOpen: boolean) => {
      setByHand(new Map())
      setAllTo(isOpen)
    },
  }
}

interface FindFieldProps {
  readonly label: string
  readonly text: string
  readonly onText: (text: string) => void
  readonly tree: TreeState
}

function FindField({ label, text, onText, tree }: FindFieldProps) {
  const count = tree.matches.length
  return (
    <span className="json-find">
      <input
        type="search"
        aria-label={`Find in the ${label}`}
        placeholder="Find"
        value={text}
        onChange={event => onText(event.target.value)}
        onKeyDown={event => {
          if (event.key === 'Enter') tree.step(event.shiftKey ? -1 : 1)
        }}
      />
      {text === '' ? null : (
        <span className="faint" role="status">
          {count === 0 ? 'none' : `${tree.matchAt + 1} of ${count}${count === matchesMax ? '+' : ''}`}
        </span>
      )}
    </span>
  )
}

/** A tree as the ARIA practices have it: one stop for Tab, arrows to walk, and Enter to fold. */
function Tree({ tree, label }: { readonly tree: TreeState; readonly label: string }) {
  const { rows, chosen } = tree
  const scroll = useRef<HTMLDivElement>(null)
  const id = useId()
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => rowHeight,
    overscan: 10,
  })
  const at = useMemo(
    () =>
      Math.max(
        0,
        rows.findIndex(each => each.path === chosen),
      ),
    [rows, chosen],
  )
  const row = rows[at]
  const { matches } = tree
  // biome-ignore lint/correctness/useExhaustiveDependencies: it moves when another line is chosen, not when lines move
  useEffect(() => virtual.scrollToIndex(at), [chosen, matches])
  // One function for all paints, or every line would be drawn anew at each.
  const latest = useRef(tree)
  latest.current = tree
  const onChoose = useCallback((each: JsonRow) => {
    latest.current.setChosen(each.path)
    if (each.size !== null && each.size > 0) latest.current.toggle(each)
  }, [])
  const choose = (index: number) => {
    const next = rows[Math.min(rows.length - 1, Math.max(0, index))]
    if (next !== undefined) tree.setChosen(next.path)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || row === undefined) return
    if (!isKeyOfTree(event.key)) return
    event.preventDefault()
    const next = placeAfter(rows, at, event.key)
    if (next === null) tree.toggle(row)
    else choose(next)
  }
  return (
    <>
      <div
        className="json-tree"
        ref={scroll}
        role="tree"
        tabIndex={0}
        aria-label={label}
        aria-activedescendant={`${id}-${at}`}
        onKeyDown={onKeyDown}
      >
        <div role="none" className="json-space" style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map(({ index, start }) => {
            const each = rows[index]
            return each === undefined ? null : (
              <Line
                key={each.path}
                id={`${id}-${index}`}
                row={each}
                top={start}
                isChosen={index === at}
                onChoose={onChoose}
              />
            )
          })}
        </div>
      </div>
      {row === undefined || row.path === '' ? null : <Detail row={row} />}
    </>
  )
}

const treeKeys = ['ArrowDown', 'ArrowUp', 'ArrowRight', 'ArrowLeft', 'Home', 'End', 'Enter'] as const
type TreeKey = (typeof treeKeys)[number]

function isKeyOfTree(key: string): key is TreeKey {
  return treeKeys.some(each => each === key)
}

/** Where a key leads from a line; null where it folds or unfolds the line itself. */
function placeAfter(rows: readonly JsonRow[], at: number, key: TreeKey): number | null {
  const row = rows[at]
  const canFold = row !== undefined && row.size !== null && row.size > 0
  switch (key) {
    case 'ArrowDown':
      return at + 1
    case 'ArrowUp':
      return at - 1
    case 'Home':
      return 0
    case 'End':
      return rows.length - 1
    case 'ArrowRight':
      return canFold && !row.isOpen ? null : at + 1
    case 'ArrowLeft':
      if (row?.isOpen === true) return null
      return rows.findLastIndex((each, index) => index < at && each.depth < (row?.depth ?? 0))
    case 'Enter':
      return canFold ? null : at
  }
}

interface LineProps {
  readonly id: string
  readonly row: JsonRow
  readonly top: number
  readonly isChosen: boolean
  readonly onChoose: (row: JsonRow) => void
}

const Line = memo(function Line({ id, row, top, isChosen, onChoose }: LineProps) {
  const { name, value, size } = row
  const Arrow = row.isOpen ? ChevronDown : ChevronRight
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}']
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the tree takes the keys for all of its lines
    // biome-ignore lint/a11y/useFocusableInteractive: the tree has the focus and names the active line
    <div
      id={id}
      role="treeitem"
      aria-level={row.depth + 1}
      aria-selected={isChosen}
      {...(size === null ? {} : { 'aria-expanded': row.isOpen })}
      className={isChosen && row.path !== '' ? 'json-row json-chosen' : 'json-row'}
      style={{ top, paddingLeft: row.depth * 15 }}
      onClick={() => onChoose(row)}
    >
      {size === null || size === 0 ? (
        <span className="json-arrow" />
      ) : (
        <Arrow size={13} aria-hidden="true" className="json-arrow" />
      )}
      {name === null ? null : <span className="json-key">{name}: </span>}
      {size === null ? (
        <span className={`json-${value === null ? 'null' : typeof value}`}>
          {cut(JSON.stringify(value), valueCharsMax)}
        </span>
      ) : (
        <span className="faint">
          {open} {exactCount(size)} {close}
        </span>
      )}
    </div>
  )
})

function cut(text: string, max: number): string {
  return text.length > max ? `${text.slice(0, max)}…` : text
}

/** The chosen line, with its path and all of its value. */
function Detail({ row }: { readonly row: JsonRow }) {
  const text = typeof row.value === 'string' ? row.value : json(row.value)
  return (
    <div className="json-detail">
      <div className="json-tools">
        <code className="clip" title={row.path}>
          {row.path}
        </code>
        <CopyButton text={row.path} label="Copy the path" />
        <CopyButton text={text} label="Copy this value" />
      </div>
      {typeof row.value === 'string' && row.value.length > 40 ? (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard
        <pre className="json-text" tabIndex={0}>
          {cut(text, detailCharsMax)}
        </pre>
      ) : null}
    </div>
  )
}

function Lines({ text, label }: { readonly text: string; readonly label: string }) {
  const lines = useMemo(() => linesOf(text), [text])
  const scroll = useRef<HTMLElement>(null)
  const virtual = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => rowHeight,
    overscan: 20,
  })
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard
    <section className="json-tree json-lines" ref={scroll} tabIndex={0} aria-label={`${label} as text`}>
      <div className="json-space" style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map(({ index, start }) => (
          <div key={index} className="json-row" style={{ top: start }}>
            {lines[index]}
          </div>
        ))}
      </div>
    </section>
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

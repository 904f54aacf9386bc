import { useQuery } from '@tanstack/react-query'
import { useVirtualizer } from '@tanstack/react-virtual'
import { isFinished, type LogLevel, type LogLine, limits, logLevels, type Task } from '@tasklane/protocol'
import { Download, ScrollText, WrapText } from 'lucide-react'
import { memo, type ReactNode, useEffect, useMemo, useRef, useState } from 'react'
import { attemptsQuery } from '../../api/queries.ts'
import { Button, Panel, Skeleton } from '../../parts/basic.tsx'
import { exactCount, plural } from '../../parts/format.ts'
import { download } from '../../parts/json-view.tsx'
import { epochsOf, type LogFilter, type LogRow, logRowsOf, logText, markedPieces } from './log-rows.ts'
import { useLogLines } from './use-log-lines.ts'
import './logs.css'

const everything: LogFilter = { level: 'debug', text: '', epoch: null }

interface LogTailProps {
  readonly task: Pick<Task, 'task_id' | 'status'>
  readonly title?: ReactNode
}

/** Log lines as they come; follows the end until somebody scrolls up. */
export function LogTail({ task, title = 'Log' }: LogTailProps) {
  const { lines, isRead, error } = useLogLines(task)
  const [filter, setFilter] = useState(everything)
  const [isFollowing, setFollowing] = useState(true)
  const [isWrapped, setWrapped] = useState(true)
  const rows = useMemo(() => logRowsOf(lines, filter), [lines, filter])
  const nameOf = useNames(task.task_id, lines)
  const tools = (
    <div className="log-tools">
      <Filters
        lines={lines}
        nameOf={nameOf}
        filter={filter}
        onFilter={changes => setFilter({ ...filter, ...changes })}
      />
      <Button
        isSmall
        icon={WrapText}
        label="Wrap long lines"
        aria-pressed={isWrapped}
        onClick={() => setWrapped(!isWrapped)}
      />
      {isFinished(task.status) ? null : (
        <Button
          look={isFollowing ? 'primary' : 'plain'}
          isSmall
          icon={ScrollText}
          aria-pressed={isFollowing}
          onClick={() => setFollowing(!isFollowing)}
        >
          Follow
        </Button>
      )}
      <Button
        look="ghost"
        isSmall
        icon={Download}
        label="Download the log"
        onClick={() => download(`${task.task_id}.log`, 'text/plain', logText(lines))}
      />
    </div>
  )
  return (
    <Panel title={title} side={lines.length === 0 ? null : tools}>
      {lines.length > 0 ? (
        <>
          <Lines
            rows={rows}
            nameOf={nameOf}
            found={filter.text.toLowerCase()}
            isWrapped={isWrapped}
            isFollowing={isFollowing}
            onFollow={setFollowing}
          />
          <Count shown={rows.filter(row => row.kind === 'line').length} all={lines.length} />
        </>
      ) : error !== null ? (
        <p className="faint">{error.message}</p>
      ) : isRead ? (
        <p className="faint">
          No log lines. A handler writes them with <code>ctx.log</code>.
        </p>
      ) : (
        <Skeleton rows={2} />
      )}
    </Panel>
  )
}

type NameOf = (epoch: number) => string

/** A line says the epoch under which it was written; people think in attempts and workers. */
function useNames(id: string, lines: readonly LogLine[]): NameOf {
  const hasSeveral = lines.length > 0 && lines.at(-1)?.epoch !== lines[0]?.epoch
  const { data: attempts } = useQuery({ ...attemptsQuery(id), enabled: hasSeveral })
  return epoch => {
    const attempt = attempts?.find(each => each.epoch === epoch)
    if (attempt === undefined) return `Epoch ${epoch}`
    return `Attempt ${attempt.attempt}${attempt.worker_id === null ? '' : ` on ${attempt.worker_id}`}, epoch ${epoch}`
  }
}

interface FiltersProps {
  readonly lines: readonly LogLine[]
  readonly nameOf: NameOf
  readonly filter: LogFilter
  readonly onFilter: (changes: Partial<LogFilter>) => void
}

function Filters({ lines, nameOf, filter, onFilter }: FiltersProps) {
  const epochs = useMemo(() => epochsOf(lines), [lines])
  return (
    <>
      <input
        type="search"
        aria-label="Find in the log"
        placeholder="Find"
        value={filter.text}
        onChange={event => onFilter({ text: event.target.value })}
      />
      <select
        aria-label="Least level"
        value={filter.level}
        onChange={event => onFilter({ level: levelOf(event.target.value) })}
      >
        {logLevels.map(each => (
          <option key={each}>{each}</option>
        ))}
      </select>
      {epochs.length < 2 ? null : (
        <select
          aria-label="Attempt"
          value={filter.epoch ?? ''}
          onChange={event => onFilter({ epoch: event.target.value === '' ? null : Number(event.target.value) })}
        >
          <option value="">all attempts</option>
          {epochs.map(epoch => (
            <option key={epoch} value={epoch}>
              {nameOf(epoch)}
            </option>
          ))}
        </select>
      )}
    </>
  )
}

function levelOf(text: string): LogLevel {
  return logLevels.find(level => level === text) ?? 'debug'
}

function Count({ shown, all }: { readonly shown: number; readonly all: number }) {
  return (
    <p className="faint log-count" role="status">
      {shown === all ? plural(all, 'line') : `${exactCount(shown)} of ${plural(all, 'line')}`}
      {all >= limits.logLinesPerTaskMax ? '; no more are kept of one task' : ''}
    </p>
  )
}

interface LinesProps {
  readonly rows: readonly LogRow[]
  readonly nameOf: NameOf
  readonly found: string
  readonly isWrapped: boolean
  readonly isFollowing: boolean
  readonly onFollow: (isFollowing: boolean) => void
}

const lineHeight = 20
/** Nearer to the end than this is at the end. */
const endPixels = 24

/** Of ten thousand lines those in sight are in the document; each is as high as its text needs. */
function Lines({ rows, nameOf, found, isWrapped, isFollowing, onFollow }: LinesProps) {
  const box = useRef<HTMLDivElement>(null)
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => lineHeight,
    overscan: 20,
    getItemKey: index => {
      const row = rows[index]
      return row === undefined ? index : row.kind === 'line' ? row.line.line : `e${row.epoch}${row.at}`
    },
  })
  const height = virtual.getTotalSize()
  // biome-ignore lint/correctness/useExhaustiveDependencies: more lines, or higher ones, are what moves it
  useEffect(() => {
    if (isFollowing && rows.length > 0) virtual.scrollToIndex(rows.length - 1, { align: 'end' })
  }, [rows.length, height, isFollowing])
  // biome-ignore lint/correctness/useExhaustiveDependencies: with wrapping all heights are others
  useEffect(() => virtual.measure(), [isWrapped])
  const onWheel = () => {
    const at = box.current
    if (at !== null) onFollow(at.scrollHeight - at.scrollTop - at.clientHeight < endPixels)
  }
  return (
    <div
      className={isWrapped ? 'log' : 'log log-flat'}
      ref={box}
      // Only a person's own scrolling tells what is wanted; the list itself moves when lines are measured.
      onWheel={onWheel}
      onTouchMove={onWheel}
      onKeyUp={onWheel}
      onPointerUp={onWheel}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard
      tabIndex={0}
      role="log"
      aria-label="Log lines"
    >
      {rows.length === 0 ? <p className="faint">No line matches.</p> : null}
      <div className="log-space" style={{ height }}>
        {virtual.getVirtualItems().map(({ index, key, start }) => {
          const row = rows[index]
          return row === undefined ? null : (
            <div key={key} ref={virtual.measureElement} data-index={index} className="log-place" style={{ top: start }}>
              {row.kind === 'line' ? (
                <Line line={row.line} found={found} />
              ) : (
                <p className="log-attempt">
                  <span>
                    {nameOf(row.epoch)}, from {row.at.slice(11, 19)}
                  </span>
                </p>
              )}
            </div>
          )
        })}
      </div>
    </div>
  )
}

const Line = memo(function Line({ line, found }: { readonly line: LogLine; readonly found: string }) {
  return (
    <div className={`log-line log-${line.level}`}>
      <span className="log-time" title={line.time}>
        {line.time.slice(11, 23)}
      </span>
      <span className="log-level">{line.level}</span>
      <span className="log-text">
        {markedPieces(line.message, found).map(({ text, look, isFound }, index) =>
          isFound ? (
            // biome-ignore lint/suspicious/noArrayIndexKey: pieces of a line never move
            <mark key={index}>{text}</mark>
          ) : (
            // biome-ignore lint/suspicious/noArrayIndexKey: as above
            <span key={index} className={look}>
              {text}
            </span>
          ),
        )}
      </span>
    </div>
  )
})

import { useQuery } from '@tanstack/react-query'
import { isFinished, type LogLevel, type LogLine, logLevels, type Task } from '@tasklane/protocol'
import { Download, ScrollText } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { getLogs } from '../../api/queries.ts'
import { useLiveState } from '../../live/live.ts'
import { Button, Panel } from '../../parts/basic.tsx'
import { download } from '../../parts/json-view.tsx'

/** More would be slow to draw; the file that can be downloaded has them all. */
const shownMax = 2_000

/** Log lines as they come; follows the end until somebody scrolls up. */
export function LogTail({ task }: { readonly task: Task }) {
  const lines = useLines(task)
  const [level, setLevel] = useState<LogLevel>('debug')
  const [text, setText] = useState('')
  const [isFollowing, setFollowing] = useState(true)
  const box = useRef<HTMLDivElement>(null)
  const least = logLevels.indexOf(level)
  const shown = lines
    .filter(line => logLevels.indexOf(line.level) >= least && line.message.toLowerCase().includes(text.toLowerCase()))
    .slice(-shownMax)
  const lastLine = shown.at(-1)?.line
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new last line is what moves it
  useEffect(() => {
    if (isFollowing) box.current?.scrollTo({ top: box.current.scrollHeight })
  }, [lastLine, isFollowing])
  const onScroll = () => {
    const at = box.current
    if (at !== null) setFollowing(at.scrollHeight - at.scrollTop - at.clientHeight < 24)
  }
  return (
    <Panel
      title="Log"
      side={
        lines.length === 0 ? null : (
          <div className="log-tools">
            <input
              type="search"
              aria-label="Find in the log"
              placeholder="Find"
              value={text}
              onChange={event => setText(event.target.value)}
            />
            <select aria-label="Least level" value={level} onChange={event => setLevel(levelOf(event.target.value))}>
              {logLevels.map(each => (
                <option key={each}>{each}</option>
              ))}
            </select>
            <Button
              look={isFollowing ? 'primary' : 'plain'}
              isSmall
              icon={ScrollText}
              aria-pressed={isFollowing}
              onClick={() => setFollowing(!isFollowing)}
            >
              Follow
            </Button>
            <Button
              look="ghost"
              isSmall
              icon={Download}
              label="Download the log"
              onClick={() => download(`${task.task_id}.log`, 'text/plain', lines.map(textOf).join('\n'))}
            />
          </div>
        )
      }
    >
      {lines.length === 0 ? (
        <p className="faint">
          No log lines. A handler writes them with <code>ctx.log</code>.
        </p>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard
        <div className="log" ref={box} onScroll={onScroll} tabIndex={0} role="log" aria-label="Log lines">
          {shown.map(line => (
            <div key={line.line} className={`log-line log-${line.level}`}>
              <span className="log-time">{line.time.slice(11, 23)}</span>
              <span className="log-level">{line.level}</span>
              <span className="log-text">{line.message}</span>
            </div>
          ))}
        </div>
      )}
    </Panel>
  )
}

function levelOf(text: string): LogLevel {
  return logLevels.find(level => level === text) ?? 'debug'
}

function textOf({ time, level, message }: LogLine): string {
  return `${time} ${level} ${message}`
}

/** Reads on from the last line it has, so that a long log is not fetched again and again. */
function useLines(task: Task): readonly LogLine[] {
  const [lines, setLines] = useState<readonly LogLine[]>([])
  const live = useLiveState()
  const after = lines.at(-1)?.line ?? 0
  const isEnded = isFinished(task.status)
  const { data } = useQuery({
    queryKey: ['task', task.task_id, 'logs', after, task.status],
    queryFn: ({ signal }) => getLogs(task.task_id, after, signal),
    refetchInterval: isEnded || live === 'paused' ? false : 1_000,
    gcTime: 5_000,
  })
  useEffect(() => {
    const fresh = data?.logs ?? []
    if (fresh.length === 0) return
    setLines(old => {
      const last = old.at(-1)?.line ?? -1
      const news = fresh.filter(line => line.line > last)
      return news.length === 0 ? old : [...old, ...news]
    })
  }, [data])
  return lines
}

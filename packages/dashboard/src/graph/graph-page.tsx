import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { type GraphNode, isFinished, limits, type TaskGraph } from '@tasklane/protocol'
import { ChevronLeft, Scissors } from 'lucide-react'
import { useCallback, useMemo, useState } from 'react'
import { graphQuery } from '../api/queries.ts'
import { useInterval } from '../live/live.ts'
import { Bar, Failure, Nothing, Skeleton, Stale } from '../parts/basic.tsx'
import { exactCount, plural, span } from '../parts/format.ts'
import { useNow } from '../parts/time.tsx'
import { type CriticalPath, criticalPath } from './critical.ts'
import { Gantt } from './gantt.tsx'
import { bestDirection, boundsOf } from './geometry.ts'
import './graph.css'
import './graph-tools.css'
import type { Direction } from './layout.ts'
import { GraphList } from './list.tsx'
import { type Interest, isOver, isWanted, looksOf, matchesText } from './looks.ts'
import { Peek } from './peek.tsx'
import { Picture } from './picture.tsx'
import { collapsedAbove, type Item, type Shape, type Structure, shapeOf, structureOf } from './structure.ts'
import { type Choices, Tools } from './tools.tsx'
import { type Laid, useLayout } from './use-layout.ts'

/** The ancestors and descendants of a task, as a picture, along time, and as a list that says the same in words. */
export function GraphPage() {
  const { id } = useParams({ from: '/tasks/$id/graph' })
  const interval = useInterval(2_000, 5_000)
  const query = useQuery({
    ...graphQuery(id),
    refetchInterval: ({ state }) => intervalOf(state.data, interval),
  })
  const graph = query.data
  if (graph === undefined)
    return query.error === null ? (
      <Skeleton rows={10} />
    ) : (
      <Failure error={query.error} onRetry={() => void query.refetch()} />
    )
  if (graph.nodes.length < 2) return <NoGraph id={id} />
  return <Graph key={id} id={id} graph={graph} stale={<Stale error={query.error} at={query.dataUpdatedAt} />} />
}

/** What a claim on another node does is told by nobody, so that the page looks now and then; at a large graph seldomer. */
function intervalOf(graph: TaskGraph | undefined, interval: number | false): number | false {
  if (graph === undefined || interval === false) return interval
  return isOver(graph.nodes) ? false : Math.max(interval, graph.nodes.length * 5)
}

interface GraphProps {
  readonly id: string
  readonly graph: TaskGraph
  readonly stale: React.ReactNode
}

function Graph({ id, graph, stale }: GraphProps) {
  const [choices, setChoices] = useState<Choices>(firstChoices)
  const change = (changes: Partial<Choices>) => setChoices(before => ({ ...before, ...changes }))
  const structure = structureOf(graph)
  const groups = useGroups(structure, id)
  const critical = useCritical(structure, graph, choices.isCritical)
  const interest = useInterest(choices, critical)
  const hits = useHits(graph, structure, choices)
  const selection = useSelection(groups)
  const direction = choices.direction ?? groups.direction
  const isDim = useCallback((node: GraphNode) => !isWanted(node, interest), [interest])
  return (
    <div className="page page-full">
      <header className="task-head graph-head">
        <Link to="/tasks/$id" params={{ id }} className="back">
          <ChevronLeft size={15} aria-hidden="true" /> Task
        </Link>
        <div className="task-title">
          <h1>Graph</h1>
          <Summary graph={graph} />
        </div>
      </header>
      <Tools
        nodes={graph.nodes}
        choices={choices}
        direction={direction}
        change={change}
        isCollapsed={groups.isCollapsed}
        onCollapse={groups.setCollapsed}
        hits={hits}
        onHit={selection.select}
      />
      {stale}
      {critical === null ? null : <CriticalLine path={critical} graph={graph} />}
      {choices.view === 'list' ? (
        <GraphList
          nodes={graph.nodes}
          structure={structure}
          isShown={node => isWanted(node, { ...interest, critical: null })}
          critical={interest.critical}
        />
      ) : (
        <Columns
          {...{ id, graph, structure, interest, selection, groups, direction, isDim }}
          isFollowing={choices.isFollowing}
          onMove={() => change({ isFollowing: false })}
        />
      )}
    </div>
  )
}

function firstChoices(): Choices {
  const view = matchMedia('(min-width: 800px)').matches ? 'graph' : 'list'
  return { view, direction: null, isFollowing: false, isCritical: false, states: new Set(), text: '' }
}

type Groups = ReturnType<typeof useGroups>
type Selection = ReturnType<typeof useSelection>

/** What is drawn as one; null where everything has room. */
function useGroups(structure: Structure, self: string) {
  const isLarge = structure.ids.length > collapsedAbove
  const [isCollapsed, setCollapsed] = useState(true)
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set())
  const shape = useMemo(
    () => shapeOf(structure, isLarge && isCollapsed, open, self),
    [structure, isLarge, isCollapsed, open, self],
  )
  const direction = useMemo(() => bestDirection(shape, structure, ...roomFor()), [shape, structure])
  return {
    shape,
    direction,
    isCollapsed: isLarge ? isCollapsed : null,
    setCollapsed: (next: boolean) => {
      setCollapsed(next)
      setOpen(new Set())
    },
    openGroup: (item: Item) => setOpen(before => new Set([...before, item.id])),
  }
}

/** What the picture will have, near enough: the rest of the page is as wide as it is. */
function roomFor(): [width: number, height: number] {
  return innerWidth >= 1_100 ? [innerWidth - 680, innerHeight - 260] : [innerWidth - 40, innerHeight / 2]
}

/** What was chosen: by the id of a task, or of a group as long as it is closed. */
function useSelection({ shape }: Groups) {
  const [selected, setSelected] = useState<string | null>(null)
  const [target, setTarget] = useState<{ readonly id: string } | null>(null)
  const item = selected === null ? null : itemBy(shape, selected)
  const select = (id: string) => {
    setSelected(id)
    const found = itemBy(shape, id)
    if (found !== null) setTarget({ id: found.id })
  }
  return { item, target, select, clear: () => setSelected(null) }
}

function itemBy(shape: Shape, id: string): Item | null {
  return shape.itemOf.get(id) ?? shape.items.find(item => item.id === id) ?? null
}

function useCritical(structure: Structure, graph: TaskGraph, isWantedNow: boolean): CriticalPath | null {
  const isDone = isOver(graph.nodes)
  const ticking = useNow()
  const now = isDone ? 0 : ticking
  return useMemo(
    () => (isWantedNow ? criticalPath(structure, graph.nodes, now) : null),
    [structure, graph.nodes, isWantedNow, now],
  )
}

function useInterest({ states, text }: Choices, path: CriticalPath | null): Interest {
  const key = path === null ? null : path.ids.join('\n')
  return useMemo(
    () => ({
      states,
      text: text.trim().toLowerCase(),
      critical: key === null ? null : new Set(key.split('\n')),
    }),
    [states, text, key],
  )
}

/** What the search finds, parents first. */
function useHits(graph: TaskGraph, structure: Structure, { text }: Choices): readonly string[] {
  const wanted = text.trim().toLowerCase()
  return useMemo(() => {
    if (wanted === '') return []
    const found = new Set(graph.nodes.flatMap(node => (matchesText(node, wanted) ? [node.task_id] : [])))
    return structure.order.filter(id => found.has(id))
  }, [graph.nodes, structure, wanted])
}

interface ColumnsProps {
  readonly id: string
  readonly graph: TaskGraph
  readonly structure: Structure
  readonly interest: Interest
  readonly selection: Selection
  readonly groups: Groups
  readonly direction: Direction
  readonly isFollowing: boolean
  readonly isDim: (node: GraphNode) => boolean
  readonly onMove: () => void
}

function Columns(props: ColumnsProps) {
  const { id, graph, structure, interest, selection, groups, direction, isFollowing, isDim, onMove } = props
  const navigate = useNavigate()
  const laid = useLayout(groups.shape, direction)
  const looks = useMemo(
    () => (laid === null ? null : looksOf(laid.shape, graph.nodes, interest)),
    [laid, graph.nodes, interest],
  )
  const isWide = useIsWide(laid)
  const byId = useMemo(() => new Map(graph.nodes.map(node => [node.task_id, node])), [graph.nodes])
  const { item, target, select, clear } = selection
  const open = (opened: Item) => {
    if (opened.isGroup) groups.openGroup(opened)
    else void navigate({ to: '/tasks/$id', params: { id: opened.id } })
  }
  return (
    <div className={isWide ? 'graph-columns graph-rows' : 'graph-columns'}>
      {laid === null || looks === null ? (
        <div className="graph-box skeleton" aria-hidden="true" />
      ) : (
        <Picture
          key={String(isWide)}
          laid={laid}
          looks={looks}
          self={id}
          selected={item?.id ?? null}
          target={target}
          isFollowing={isFollowing}
          onSelect={chosen => select(chosen.id)}
          onOpen={open}
          onMove={onMove}
        />
      )}
      <div className="graph-side">
        {item === null ? null : (
          <Peek
            item={item}
            nodes={byId}
            structure={structure}
            onSelect={select}
            onOpenGroup={groups.openGroup}
            onClose={clear}
          />
        )}
        <Gantt
          nodes={graph.nodes}
          self={id}
          selected={item?.id ?? null}
          isDim={isDim}
          critical={interest.critical}
          onSelect={select}
        />
      </div>
    </div>
  )
}

/** Of a box beside the other panels: what is wider, and flat, is shown larger above them. */
const besideWidth = 700
const flatFrom = 1.9

/** Decided once for each direction, so that nothing moves when a group is opened. */
function useIsWide(laid: Laid | null): boolean {
  const direction = laid?.direction
  // biome-ignore lint/correctness/useExhaustiveDependencies: what comes later in this direction does not move it
  return useMemo(() => {
    if (laid === null) return false
    const { width, height } = boundsOf(laid, laid.shape.items)
    return width > besideWidth && width / height > flatFrom
  }, [direction])
}

function NoGraph({ id }: { readonly id: string }) {
  return (
    <Nothing title="It stands alone">
      <p>This task depends on nothing, and nothing depends on it.</p>
      <Link to="/tasks/$id" params={{ id }} className="button button-plain">
        Back to the task
      </Link>
    </Nothing>
  )
}

function Summary({ graph }: { readonly graph: TaskGraph }) {
  const ended = graph.nodes.filter(node => isFinished(node.status)).length
  const failed = graph.nodes.filter(node => node.status === 'failed').length
  const percent = (ended / graph.nodes.length) * 100
  return (
    <div className="graph-summary">
      <span className="faint">{plural(graph.nodes.length, 'task')}</span>
      <Bar
        percent={percent}
        tone={failed > 0 ? 'failed' : 'completed'}
        label={`${ended} of ${graph.nodes.length} ended`}
      />
      <span className="number faint">{Math.floor(percent)} %</span>
      <Cut graph={graph} />
    </div>
  )
}

function Cut({ graph }: { readonly graph: TaskGraph }) {
  const cuts = [
    graph.truncated ? `${exactCount(Math.min(limits.graphTasksMax, graph.nodes.length))} tasks` : null,
    graph.edges_truncated ? `${exactCount(graph.edges.length)} edges` : null,
  ].filter(cut => cut !== null)
  if (cuts.length === 0) return null
  return (
    <span
      className="graph-cut"
      title="The nearest are shown; there are more. Open one of the outermost to see on from it."
    >
      <Scissors size={13} aria-hidden="true" /> cut at {cuts.join(' and ')}
    </span>
  )
}

function CriticalLine({ path, graph }: { readonly path: CriticalPath; readonly graph: TaskGraph }) {
  const names = new Map(graph.nodes.map(node => [node.task_id, node.name ?? node.task_type]))
  const named = path.ids.map(id => names.get(id) ?? id)
  const shown = named.length <= 6 ? named : [...named.slice(0, 3), '…', ...named.slice(-2)]
  return (
    <p className="graph-critical" role="status">
      <strong>Critical path:</strong> {plural(path.ids.length, 'task')}, {path.isExpected ? 'about ' : ''}
      {span(path.ms)} <span className="faint">{shown.join(' → ')}</span>
    </p>
  )
}

import {
  ControlButton,
  Controls,
  ReactFlow,
  ReactFlowProvider,
  useReactFlow,
  useStoreApi,
  type Viewport,
} from '@xyflow/react'
import '@xyflow/react/dist/style.css'
import { Maximize } from 'lucide-react'
import { type KeyboardEvent, type MouseEvent, useEffect, useMemo, useRef, useState } from 'react'
import { isDark, usePreferences } from '../shell/preferences.ts'
import { type Bounds, boundsOf, itemAt, nextItem, visibleItems } from './geometry.ts'
import { nodeHeight, nodeWidth } from './layout.ts'
import type { Look } from './looks.ts'
import { MiniMap } from './mini-map.tsx'
import { type BoxNode, labelOf, NodeBox } from './node-box.tsx'
import { createPainter, type Painter } from './painter.ts'
import type { Item } from './structure.ts'
import type { Laid } from './use-layout.ts'

interface PictureProps {
  readonly laid: Laid
  readonly looks: ReadonlyMap<string, Look>
  readonly self: string
  readonly selected: string | null
  /** Brought into sight whenever it is another object. */
  readonly target: { readonly id: string } | null
  readonly isFollowing: boolean
  readonly onSelect: (item: Item) => void
  readonly onOpen: (item: Item) => void
  readonly onMove: () => void
}

const nodeTypes = { box: NodeBox }
const fitPadding = 0.06
const zoomMax = 1.6
const elementsRestMs = 110
/** Arrows walk, Enter opens; what moves the page stays the page's. */
const arrows: Readonly<Record<string, readonly [along: number, across: number]>> = {
  ArrowRight: [1, 0],
  ArrowLeft: [-1, 0],
  ArrowDown: [0, 1],
  ArrowUp: [0, -1],
}

/** The graph, drawn: near nodes are elements that can be read out and focused, all else is painted. */
export function Picture(props: PictureProps) {
  return (
    <ReactFlowProvider>
      <Stage {...props} />
    </ReactFlowProvider>
  )
}

function Stage(props: PictureProps) {
  const { laid, looks, self, selected, onSelect, onOpen } = props
  usePreferences()
  const box = useRef<HTMLElement>(null)
  const bounds = useMemo(() => boundsOf(laid, laid.shape.items), [laid])
  const near = useNear(laid, [selected ?? self, self])
  const nodes = useNodes(props, near)
  const painter = usePainter(box, props, near)
  const { zoomMin, fit } = useFit(bounds, laid)
  useTarget(props)
  useFollow(props)
  const press = (item: Item) => (item.isGroup ? onOpen(item) : onSelect(item))
  const { tip, handlers } = usePointer(box, props, press)
  const onKeyDown = useArrows(props)
  return (
    <section className="graph-box" ref={box} aria-label="Graph of dependencies" onKeyDown={onKeyDown}>
      <ReactFlow
        nodes={nodes}
        nodeTypes={nodeTypes}
        colorMode={isDark() ? 'dark' : 'light'}
        minZoom={zoomMin}
        maxZoom={zoomMax}
        nodesDraggable={false}
        nodesConnectable={false}
        nodesFocusable={false}
        elementsSelectable={false}
        zoomOnDoubleClick={false}
        deleteKeyCode={null}
        selectionKeyCode={null}
        onNodeClick={(_event, node) => press(node.data.item)}
        onNodeDoubleClick={(_event, node) => onOpen(node.data.item)}
        {...handlers}
        proOptions={{ hideAttribution: true }}
      >
        <Controls showInteractive={false} showFitView={false}>
          <ControlButton onClick={() => fit(true)} title="Show the whole graph" aria-label="Show the whole graph">
            <Maximize />
          </ControlButton>
        </Controls>
        {laid.shape.items.length > 30 ? <MiniMap laid={laid} looks={looks} bounds={bounds} /> : null}
      </ReactFlow>
      <div className="graph-paper" aria-hidden="true">
        <canvas className="graph-canvas" ref={painter} />
      </div>
      {tip === null ? null : (
        <div className="graph-tip" aria-hidden="true" style={{ left: tip.x + 14, top: tip.y + 14 }}>
          {tip.text}
        </div>
      )}
    </section>
  )
}

/** The mouse over what is painted, which is no element. */
function usePointer(
  box: React.RefObject<HTMLElement | null>,
  { laid, looks, onMove }: PictureProps,
  press: (item: Item) => void,
) {
  const [tip, setTip] = useState<{ readonly text: string; readonly x: number; readonly y: number } | null>(null)
  const { screenToFlowPosition } = useReactFlow()
  const under = (event: MouseEvent | globalThis.MouseEvent): Item | null =>
    itemAt(laid, screenToFlowPosition({ x: event.clientX, y: event.clientY }))
  const handlers = {
    onPaneClick: (event: MouseEvent) => {
      const item = under(event)
      if (item !== null) press(item)
    },
    onPaneMouseMove: (event: MouseEvent) => {
      const item = event.buttons === 0 ? under(event) : null
      const look = item === null ? undefined : looks.get(item.id)
      if (item === null || look === undefined) return setTip(null)
      const { left = 0, top = 0 } = box.current?.getBoundingClientRect() ?? {}
      setTip({ text: labelOf(item, look), x: event.clientX - left, y: event.clientY - top })
    },
    onPaneMouseLeave: () => setTip(null),
    onMoveStart: (event: globalThis.MouseEvent | TouchEvent | null) => {
      // Whoever takes the picture in hand wants it to stay where it is put.
      if (event !== null) onMove()
      setTip(null)
    },
  }
  return { tip, handlers }
}

function useArrows({ laid, self, selected, onSelect }: PictureProps) {
  return (event: KeyboardEvent): void => {
    const arrow = arrows[event.key]
    const from = laid.shape.items.find(item => item.id === selected) ?? laid.shape.itemOf.get(self)
    if (arrow === undefined || from === undefined || event.ctrlKey || event.metaKey || event.altKey) return
    if (!(event.target instanceof HTMLElement) || event.target.closest('.node') === null) return
    event.preventDefault()
    const next = nextItem(laid, from, arrow)
    if (next !== null) onSelect(next)
  }
}

/** Which items are elements: those in sight while they can be read, and always the ones that hold the focus. */
function useNear(laid: Laid, always: readonly string[]): readonly Item[] {
  const store = useStoreApi()
  const [seen, setSeen] = useState<readonly Item[]>([])
  useEffect(() => {
    let key = ''
    let rest: ReturnType<typeof setTimeout> | undefined
    const look = () => {
      const { transform, width, height } = store.getState()
      const items = visibleItems(laid, transform, width, height)
      const nextKey = items.map(item => item.id).join('\n')
      if (nextKey === key) return
      key = nextKey
      setSeen(items)
    }
    setSeen([])
    look()
    const stop = store.subscribe((now, before) => {
      if (now.transform === before.transform && now.width === before.width && now.height === before.height) return
      // Under a moving hand what comes into sight is painted; it becomes elements when the hand rests.
      clearTimeout(rest)
      rest = setTimeout(look, elementsRestMs)
    })
    return () => {
      stop()
      clearTimeout(rest)
    }
  }, [store, laid])
  const key = always.join('\n')
  return useMemo(() => {
    const own = laid.shape.items.filter(item => key.split('\n').some(id => item.id === id))
    // What was seen of the shape before this one is not in it.
    const places = seen.filter(item => laid.places.has(item.id))
    return [...new Set([...places, ...own])]
  }, [laid, seen, key])
}

function useNodes({ laid, looks, self, selected }: PictureProps, near: readonly Item[]): BoxNode[] {
  const known = useRef(new Map<string, BoxNode>())
  return useMemo(() => {
    const stop = selected !== null && near.some(item => item.id === selected) ? selected : self
    const before = known.current
    known.current = new Map()
    return near.flatMap(item => {
      const [place, look] = [laid.places.get(item.id), looks.get(item.id)]
      if (place === undefined || look === undefined) return []
      const data = { item, look, isSelf: item.id === self, isSelected: item.id === selected, isStop: item.id === stop }
      const old = before.get(item.id)
      const isAlike =
        old !== undefined &&
        isSameLook(old.data.look, look) &&
        old.data.isSelected === data.isSelected &&
        old.data.isStop === data.isStop &&
        old.data.item === item &&
        old.position.x === place[0] &&
        old.position.y === place[1]
      const node: BoxNode = isAlike
        ? old
        : {
            id: item.id,
            type: 'box',
            position: { x: place[0], y: place[1] },
            width: nodeWidth,
            height: nodeHeight,
            data,
          }
      known.current.set(item.id, node)
      return [node]
    })
  }, [laid, looks, self, selected, near])
}

function isSameLook(one: Look, other: Look): boolean {
  return (
    one.state === other.state &&
    one.isDim === other.isDim &&
    one.isCritical === other.isCritical &&
    one.counts.length === other.counts.length &&
    one.counts.every(([state, count], at) => other.counts[at]?.[0] === state && other.counts[at]?.[1] === count)
  )
}

/** Ties the canvas to the view. @returns the ref of the canvas */
function usePainter(
  box: React.RefObject<HTMLElement | null>,
  { laid, looks, selected }: PictureProps,
  near: readonly Item[],
) {
  const store = useStoreApi()
  const canvas = useRef<HTMLCanvasElement>(null)
  const painter = useRef<Painter | null>(null)
  const theme = isDark()
  useEffect(() => {
    const [place, frame] = [canvas.current, box.current]
    if (place === null || frame === null) return
    const own = createPainter(place, ({ laid: { shape } }) => {
      place.dataset.drawn = String(shape.items.length)
      // For who waits for it: every task is there by itself.
      if (shape.items.some(item => item.isGroup)) delete place.dataset.drawnAll
      else place.dataset.drawnAll = ''
    })
    painter.current = own
    const show = ([x, y, zoom]: readonly [number, number, number]) => own.move({ x, y, zoom })
    show(store.getState().transform)
    const stop = store.subscribe((now, before) => {
      if (now.transform !== before.transform) show(now.transform)
    })
    const watch = new ResizeObserver(() => own.resize(frame.clientWidth, frame.clientHeight))
    watch.observe(frame)
    return () => {
      stop()
      watch.disconnect()
      own.stop()
    }
  }, [store, box])
  // biome-ignore lint/correctness/useExhaustiveDependencies: another theme has other colours to paint with
  useEffect(() => {
    const elements = new Set(near.map(item => item.id))
    painter.current?.show({ laid, looks, elements, marked: selected })
  }, [laid, looks, near, selected, theme])
  return canvas
}

function useFit(bounds: Bounds, laid: Laid) {
  const { setViewport } = useReactFlow()
  const store = useStoreApi()
  const [zoomMin, setZoomMin] = useState(0.05)
  const fit = (isSlow: boolean): void => {
    const { width, height } = store.getState()
    if (width === 0) return
    const view = viewOf(bounds, width, height, 1)
    setZoomMin(Math.min(0.1, view.zoom * 0.8))
    void setViewport(view, { duration: isSlow ? calmly(300) : 0 })
  }
  const fitNow = useRef(fit)
  fitNow.current = fit
  // biome-ignore lint/correctness/useExhaustiveDependencies: another shape is looked at anew
  useEffect(() => {
    if (store.getState().width > 0) return fitNow.current(false)
    return store.subscribe((now, before) => {
      if (before.width === 0 && now.width > 0) fitNow.current(false)
    })
  }, [laid, store])
  return { zoomMin, fit }
}

function viewOf({ x, y, width: wide, height: high }: Bounds, width: number, height: number, most: number): Viewport {
  const room = 1 - 2 * fitPadding
  const zoom = Math.min(most, (width * room) / wide, (height * room) / high)
  return { x: width / 2 - (x + wide / 2) * zoom, y: height / 2 - (y + high / 2) * zoom, zoom }
}

function calmly(ms: number): number {
  return matchMedia('(prefers-reduced-motion: reduce)').matches ? 0 : ms
}

/** Brings what was chosen into sight, and the focus to it where the picture had it. */
function useTarget({ laid, target }: PictureProps): void {
  const { setCenter, getViewport } = useReactFlow()
  const store = useStoreApi()
  useEffect(() => {
    const place = target === null ? undefined : laid.places.get(target.id)
    if (target === null || place === undefined) return
    const { width, height } = store.getState()
    const { x, y, zoom } = getViewport()
    const [left, top] = [place[0] * zoom + x, place[1] * zoom + y]
    const isSeen = left > 0 && top > 0 && left + nodeWidth * zoom < width && top + nodeHeight * zoom < height
    if (!isSeen || zoom < 0.3) {
      const center = [place[0] + nodeWidth / 2, place[1] + nodeHeight / 2] as const
      void setCenter(...center, { zoom: Math.max(zoom, 0.8), duration: calmly(250) })
    }
    const hadFocus = document.activeElement?.closest('.graph-box') != null || document.activeElement === document.body
    const frame = requestAnimationFrame(() => {
      const node = document.querySelector<HTMLElement>(`[data-item="${CSS.escape(target.id)}"]`)
      if (hadFocus) node?.focus({ preventScroll: true })
    })
    return () => cancelAnimationFrame(frame)
  }, [laid, target, setCenter, getViewport, store])
}

const followMs = 1_200

/** Keeps what runs in sight; not more often than an eye can follow. */
function useFollow({ laid, looks, isFollowing }: PictureProps): void {
  const { setViewport } = useReactFlow()
  const store = useStoreApi()
  const movedAt = useRef(0)
  const runs = laid.shape.items.filter(item => looks.get(item.id)?.counts.some(([state]) => state === 'running'))
  const key = isFollowing ? runs.map(item => item.id).join('\n') : ''
  useEffect(() => {
    if (key === '') return
    const follow = () => {
      movedAt.current = performance.now()
      const ids = new Set(key.split('\n'))
      const bounds = boundsOf(
        laid,
        laid.shape.items.filter(item => ids.has(item.id)),
      )
      const { width, height } = store.getState()
      if (width > 0) void setViewport(viewOf(bounds, width, height, 0.9), { duration: calmly(400) })
    }
    const timer = setTimeout(follow, Math.max(0, movedAt.current + followMs - performance.now()))
    return () => clearTimeout(timer)
  }, [laid, key, setViewport, store])
}

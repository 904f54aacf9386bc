import { toneOf } from '../parts/state.tsx'
import { nodeHeight, nodeWidth, type Place } from './layout.ts'
import type { Look } from './looks.ts'
import type { Item } from './structure.ts'
import type { Laid } from './use-layout.ts'

/**
 * Edges, and nodes that are too small or too many to be elements, on one canvas. While somebody pans or zooms, what was
 * painted is moved as a whole, which costs nothing; it is painted anew when the hand rests or runs out of it.
 */
export interface Painter {
  show(scene: Scene): void
  move(view: View): void
  resize(width: number, height: number): void
  stop(): void
}

export interface Scene {
  readonly laid: Laid
  readonly looks: ReadonlyMap<string, Look>
  /** Items that are elements: their edges are painted, they are not. */
  readonly elements: ReadonlySet<string>
  readonly marked: string | null
}

export interface View {
  readonly x: number
  readonly y: number
  readonly zoom: number
}

/** Painted around what is seen, as a share of it: so far one may pan before anything has to be painted. */
const margin = 0.25
const restMs = 90
/** While somebody moves on and on: this often. */
const moveMs = 320
const tones = ['pending', 'scheduled', 'blocked', 'running', 'completed', 'failed', 'cancelled'] as const
/** Below, a name cannot be read. */
const textZoomMin = 0.42

export function createPainter(canvas: HTMLCanvasElement, onPainted: (scene: Scene) => void): Painter {
  const context = canvas.getContext('2d')
  let scene: Scene | null = null
  let view: View = { x: 0, y: 0, zoom: 1 }
  let painted: View | null = null
  let [width, height] = [0, 0]
  let frame = 0
  let rest: ReturnType<typeof setTimeout> | undefined
  let paintedAt = 0

  function paintSoon(): void {
    if (frame === 0) frame = requestAnimationFrame(paintNow)
  }

  function paintNow(): void {
    frame = 0
    clearTimeout(rest)
    rest = undefined
    if (scene === null || context === null || width === 0) return
    paintedAt = performance.now()
    const scale = Math.min(2, devicePixelRatio)
    const [left, top] = [width * margin, height * margin]
    const [canvasWidth, canvasHeight] = [width + 2 * left, height + 2 * top]
    if (canvas.width !== Math.round(canvasWidth * scale)) canvas.width = Math.round(canvasWidth * scale)
    if (canvas.height !== Math.round(canvasHeight * scale)) canvas.height = Math.round(canvasHeight * scale)
    canvas.style.width = `${canvasWidth}px`
    canvas.style.height = `${canvasHeight}px`
    context.setTransform(scale, 0, 0, scale, 0, 0)
    context.clearRect(0, 0, canvasWidth, canvasHeight)
    context.translate(view.x + left, view.y + top)
    context.scale(view.zoom, view.zoom)
    const seen = {
      left: (-view.x - left) / view.zoom,
      top: (-view.y - top) / view.zoom,
      right: (width + left - view.x) / view.zoom,
      bottom: (height + top - view.y) / view.zoom,
    }
    paint(context, scene, view.zoom, seen)
    painted = view
    place()
    onPainted(scene)
  }

  /** Where what was painted at `painted` belongs now. */
  function place(): void {
    if (painted === null) return
    const factor = view.zoom / painted.zoom
    const x = view.x - painted.x * factor - width * margin * factor
    const y = view.y - painted.y * factor - height * margin * factor
    canvas.style.transform = `translate(${x}px, ${y}px) scale(${factor})`
  }

  function isUsedUp(): boolean {
    if (painted === null) return true
    const factor = view.zoom / painted.zoom
    if (factor < 0.6 || factor > 1.8) return true
    const x = view.x - painted.x * factor - width * margin * factor
    const y = view.y - painted.y * factor - height * margin * factor
    const [right, bottom] = [x + width * (1 + 2 * margin) * factor, y + height * (1 + 2 * margin) * factor]
    return x > 0 || y > 0 || right < width || bottom < height
  }

  return {
    show(next) {
      const isOther = scene?.laid !== next.laid
      scene = next
      // States that change under a moving hand are shown as often as the eye follows, not at every change.
      if (isOther || rest === undefined || performance.now() - paintedAt > moveMs) paintSoon()
    },
    move(next) {
      view = next
      place()
      clearTimeout(rest)
      rest = setTimeout(paintSoon, restMs)
      if (isUsedUp() && performance.now() - paintedAt > moveMs) paintSoon()
    },
    resize(nextWidth, nextHeight) {
      width = nextWidth
      height = nextHeight
      painted = null
      paintSoon()
    },
    stop() {
      cancelAnimationFrame(frame)
      clearTimeout(rest)
    },
  }
}

interface Box {
  readonly left: number
  readonly top: number
  readonly right: number
  readonly bottom: number
}

function paint(context: CanvasRenderingContext2D, scene: Scene, zoom: number, seen: Box): void {
  const colours = readColours()
  paintEdges(context, scene, zoom, seen, colours)
  paintNodes(context, scene, zoom, seen, colours)
}

type Colours = (name: string) => string

function readColours(): Colours {
  const style = getComputedStyle(document.documentElement)
  const known = new Map<string, string>()
  return name => {
    const colour = known.get(name) ?? style.getPropertyValue(`--${name}`).trim()
    known.set(name, colour)
    return colour
  }
}

interface Stroke {
  readonly path: Path2D
  readonly colour: string
  readonly alpha: number
  readonly width: number
  readonly isDashed: boolean
}

/** All edges of one look are one path: a stroke costs by its pixels, not by its lines. */
function paintEdges(
  context: CanvasRenderingContext2D,
  { laid, looks }: Scene,
  zoom: number,
  seen: Box,
  colours: Colours,
): void {
  const strokes = new Map<string, Stroke>()
  const thin = Math.max(1.2, 0.7 / zoom)
  for (const { parent, child, onFailure } of laid.shape.edges) {
    const [from, to] = [laid.places.get(parent), laid.places.get(child)]
    const [fromLook, toLook] = [looks.get(parent), looks.get(child)]
    if (from === undefined || to === undefined || fromLook === undefined || toLook === undefined) continue
    const line = lineOf(from, to, laid.direction)
    if (isOutside(line, seen)) continue
    const isCritical = fromLook.isCritical && toLook.isCritical
    const isDim = fromLook.isDim || toLook.isDim
    const isDone = fromLook.state === 'completed'
    const key = `${isCritical}${isDim}${isDone}${onFailure}`
    let stroke = strokes.get(key)
    if (stroke === undefined) {
      stroke = {
        path: new Path2D(),
        colour: colours(isCritical ? 'accent' : isDone ? 'completed' : 'text-faint'),
        alpha: isCritical ? 1 : isDim ? 0.12 : 0.5,
        width: isCritical ? thin * 2.4 : thin,
        isDashed: onFailure === 'proceed',
      }
      strokes.set(key, stroke)
    }
    trace(stroke.path, line, laid.direction, zoom)
  }
  for (const { path, colour, alpha, width, isDashed } of strokes.values()) {
    context.strokeStyle = colour
    context.globalAlpha = alpha
    context.lineWidth = width
    context.setLineDash(isDashed ? [5 * width, 4 * width] : [])
    context.stroke(path)
  }
  context.globalAlpha = 1
  context.setLineDash([])
}

type Line = readonly [x: number, y: number, toX: number, toY: number]

function lineOf([x, y]: Place, [toX, toY]: Place, direction: Laid['direction']): Line {
  return direction === 'LR'
    ? [x + nodeWidth, y + nodeHeight / 2, toX, toY + nodeHeight / 2]
    : [x + nodeWidth / 2, y + nodeHeight, toX + nodeWidth / 2, toY]
}

function isOutside([x, y, toX, toY]: Line, { left, top, right, bottom }: Box): boolean {
  return Math.max(x, toX) < left || Math.min(x, toX) > right || Math.max(y, toY) < top || Math.min(y, toY) > bottom
}

function trace(path: Path2D, [x, y, toX, toY]: Line, direction: Laid['direction'], zoom: number): void {
  path.moveTo(x, y)
  // From afar nobody sees a bend, and a straight line is painted in half the time.
  if (zoom < 0.3) path.lineTo(toX, toY)
  else if (direction === 'LR') {
    const bend = bendOf(toX - x)
    path.bezierCurveTo(x + bend, y, toX - bend, toY, toX, toY)
  } else {
    const bend = bendOf(toY - y)
    path.bezierCurveTo(x, y + bend, toX, toY - bend, toX, toY)
  }
}

/** To the next line of a folded graph an edge goes back, and needs no more than a little room for its turns. */
function bendOf(distance: number): number {
  return distance > 0 ? Math.max(28, distance / 2) : 50
}

function paintNodes(context: CanvasRenderingContext2D, scene: Scene, zoom: number, seen: Box, colours: Colours): void {
  const { laid, looks, elements, marked } = scene
  const drawn: (readonly [Item, Look, Place])[] = []
  for (const item of laid.shape.items) {
    const [place, look] = [laid.places.get(item.id), looks.get(item.id)]
    if (place === undefined || look === undefined || elements.has(item.id)) continue
    const [x, y] = place
    if (x > seen.right || x + nodeWidth < seen.left || y > seen.bottom || y + nodeHeight < seen.top) continue
    drawn.push([item, look, place])
  }
  for (const tone of tones) {
    for (const isDim of [true, false]) {
      const alike = drawn.filter(([, look]) => toneOf(look.state) === tone && look.isDim === isDim)
      if (alike.length > 0) paintAlike(context, alike, tone, isDim, zoom, colours)
    }
  }
  context.globalAlpha = 1
  for (const [item, look, [x, y]] of drawn) {
    if (item.id !== marked && !look.isCritical) continue
    context.strokeStyle = colours('accent')
    context.lineWidth = Math.max(3, 2 / zoom)
    context.strokeRect(x, y, nodeWidth, nodeHeight)
  }
}

function paintAlike(
  context: CanvasRenderingContext2D,
  alike: readonly (readonly [Item, Look, Place])[],
  tone: string,
  isDim: boolean,
  zoom: number,
  colours: Colours,
): void {
  const [soft, strong] = [new Path2D(), new Path2D()]
  // From afar colour is all there is, so that there is more of it.
  const bar = zoom < 0.25 ? nodeWidth : Math.max(5, 3 / zoom)
  for (const [item, , [x, y]] of alike) {
    soft.rect(x, y, nodeWidth, nodeHeight)
    strong.rect(x, y, Math.min(bar, nodeWidth), nodeHeight)
    if (item.isGroup) strong.rect(x + 6, y + nodeHeight, nodeWidth - 12, 5)
  }
  context.globalAlpha = isDim ? 0.22 : 1
  context.fillStyle = colours(`${tone}-soft`)
  context.fill(soft)
  context.fillStyle = colours(tone)
  context.fill(strong)
  if (zoom < textZoomMin || isDim) return
  context.fillStyle = colours('text')
  context.font = '550 14px system-ui, sans-serif'
  for (const [item, look, [x, y]] of alike) {
    const text = item.isGroup ? `${item.members.length} × ${item.title}` : item.title
    context.fillText(clip(text), x + 16, y + 19, nodeWidth - 24)
    context.fillText(look.state, x + 16, y + 37, nodeWidth - 24)
  }
}

function clip(text: string): string {
  return text.length <= 24 ? text : `${text.slice(0, 23)}…`
}

import { Panel, useReactFlow, useStoreApi } from '@xyflow/react'
import { type PointerEvent, useEffect, useRef } from 'react'
import { toneOf } from '../parts/state.tsx'
import { isDark } from '../shell/preferences.ts'
import type { Bounds } from './geometry.ts'
import { nodeHeight, nodeWidth } from './layout.ts'
import type { Look } from './looks.ts'
import type { Laid } from './use-layout.ts'

interface MiniMapProps {
  readonly laid: Laid
  readonly looks: ReadonlyMap<string, Look>
  readonly bounds: Bounds
}

const [wide, high] = [180, 120]

/** The whole, small, with a frame around what is in sight; press or drag to go there. */
export function MiniMap({ laid, looks, bounds }: MiniMapProps) {
  const store = useStoreApi()
  const { setCenter, getZoom } = useReactFlow()
  const canvas = useRef<HTMLCanvasElement>(null)
  const frame = useRef<HTMLDivElement>(null)
  const scale = Math.min((wide - 12) / bounds.width, (high - 12) / bounds.height)
  const left = (wide - bounds.width * scale) / 2 - bounds.x * scale
  const top = (high - bounds.height * scale) / 2 - bounds.y * scale
  const theme = isDark()
  // biome-ignore lint/correctness/useExhaustiveDependencies: another theme has other colours
  useEffect(() => {
    const context = canvas.current?.getContext('2d') ?? null
    if (canvas.current === null || context === null) return
    const ratio = Math.min(2, devicePixelRatio)
    canvas.current.width = wide * ratio
    canvas.current.height = high * ratio
    context.setTransform(ratio, 0, 0, ratio, 0, 0)
    const style = getComputedStyle(document.documentElement)
    const colours = new Map<string, string>()
    const [nodeWide, nodeHigh] = [Math.max(1.2, nodeWidth * scale), Math.max(1.2, nodeHeight * scale)]
    for (const { id } of laid.shape.items) {
      const [look, place] = [looks.get(id), laid.places.get(id)]
      if (look === undefined || place === undefined) continue
      const tone = toneOf(look.state)
      const colour = colours.get(tone) ?? style.getPropertyValue(`--${tone}`)
      colours.set(tone, colour)
      context.fillStyle = colour
      context.globalAlpha = look.isDim ? 0.25 : 1
      context.fillRect(place[0] * scale + left, place[1] * scale + top, nodeWide, nodeHigh)
    }
  }, [laid, looks, scale, left, top, theme])
  useEffect(() => {
    const show = () => {
      const { transform, width, height } = store.getState()
      const [x, y, zoom] = transform
      if (frame.current === null) return
      const { style } = frame.current
      style.width = `${(width / zoom) * scale}px`
      style.height = `${(height / zoom) * scale}px`
      style.transform = `translate(${(-x / zoom) * scale + left}px, ${(-y / zoom) * scale + top}px)`
    }
    show()
    return store.subscribe(show)
  }, [store, scale, left, top])
  const goTo = (event: PointerEvent<HTMLDivElement>) => {
    if (event.buttons !== 1) return
    const place = event.currentTarget.getBoundingClientRect()
    const [x, y] = [event.clientX - place.left, event.clientY - place.top]
    void setCenter((x - left) / scale, (y - top) / scale, { zoom: getZoom() })
  }
  return (
    <Panel position="bottom-right" className="mini-map">
      <div
        className="mini-map-inside"
        aria-hidden="true"
        onPointerDown={event => {
          event.currentTarget.setPointerCapture(event.pointerId)
          goTo(event)
        }}
        onPointerMove={goTo}
      >
        <canvas ref={canvas} />
        <div className="mini-map-frame" ref={frame} />
      </div>
    </Panel>
  )
}

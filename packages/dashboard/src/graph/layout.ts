export type Direction = 'LR' | 'TB'

export interface LayoutRequest {
  readonly nodes: readonly string[]
  readonly edges: readonly (readonly [parent: string, child: string])[]
  readonly direction: Direction
}

export interface LayoutReply {
  /** By the order of the request. */
  readonly places: readonly Place[]
}

export type Place = readonly [x: number, y: number]

export const nodeWidth = 190
export const nodeHeight = 46

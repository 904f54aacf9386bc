import type { Place } from './tables.ts'

/** How far a move has come, as it stands beside the rows, in text. */
export interface HouseMove {
  readonly source: string
  readonly progress: string
}

export interface MoveProgress {
  /** Rows of the file by table, when the move began: another count is another file. */
  readonly counts: Readonly<Record<string, number>>
  readonly lastNumber: number
  /** By table, where its rows begin that are not yet moved; a table that is not here has not been begun. */
  readonly moved: Readonly<Record<string, { readonly after: Place; readonly rows: number }>>
}

export function textOf(progress: MoveProgress): string {
  return JSON.stringify(progress)
}

export function progressOf(text: string): MoveProgress {
  return JSON.parse(text) as MoveProgress // Written by `textOf`, in the same version of the schema.
}

export function withRows(progress: MoveProgress, table: string, after: Place, rows: number): MoveProgress {
  const before = progress.moved[table]?.rows ?? 0
  return { ...progress, moved: { ...progress.moved, [table]: { after, rows: before + rows } } }
}

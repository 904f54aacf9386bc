/** The move cannot begin or go on. The message says why, and the way out. */
export class MoveError extends Error {
  readonly code: 'target_in_use' | 'target_not_empty' | 'other_move' | 'source_changed' | 'interrupted'

  constructor(code: MoveError['code'], message: string) {
    super(message)
    this.name = 'MoveError'
    this.code = code
  }
}

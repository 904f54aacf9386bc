/** The file cannot serve as a store: it is something else, cannot be opened, or is newer than this code. */
export class StoreFileError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'StoreFileError'
  }
}

/** Another process owns the file. */
export class StoreLockedError extends Error {
  readonly file: string
  /** Of the owner, as it told of itself; null where it left no word. */
  readonly ownerPid: number | null

  constructor(file: string, ownerPid: number | null, message: string) {
    super(message)
    this.name = 'StoreLockedError'
    this.file = file
    this.ownerPid = ownerPid
  }
}

/** In `meta` while a store is being moved in: no scheduler may start on half of it. */
export const movingName = 'moving'

/** In the `meta` of a SQLite file: the last number given, where its task is gone. */
export const lastNumberName = 'last_number'

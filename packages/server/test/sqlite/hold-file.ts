import { createSqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'
import { draft } from '../support/drafts.ts'
import { driveStore } from '../support/store-driver.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'

// A process of its own: opens the file, submits one task, says so, and holds the file until it is killed.
const [file] = process.argv.slice(2)
if (file === undefined) throw new Error('Usage: hold-file.ts FILE')
const store = await createSqliteStore({ file, clock: createVirtualClock(), headStartMs: 3_600_000 })
await driveStore(store).submit(draft('from-the-owner'))
process.stdout.write('held\n')
// The timer refers to the store: one that nobody can reach any more is collected as garbage, and its lock with it.
setInterval(() => void store.counts(), 60_000)

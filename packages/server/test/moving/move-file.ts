import { moveStore } from '../../src/moving/move-store.ts'

// A process of its own that moves a file in small batches, until it is done or killed.
const [from, to] = process.argv.slice(2)
if (from === undefined || to === undefined) throw new Error('Usage: move-file.ts FILE URL')
const { isVerified } = await moveStore({ file: from, url: to, bounds: { rowsMax: 2, charsMax: 10_000 } })
process.stdout.write(isVerified ? 'verified\n' : 'differs\n')

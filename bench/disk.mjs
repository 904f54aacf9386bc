// What one sync of the disk takes: no durable submit can be answered sooner.
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** One write of a page and its sync every 10 ms. @returns the median in milliseconds */
export async function diskSync({ syncs }) {
  const folder = mkdtempSync(join(tmpdir(), 'tasklane-bench-'))
  const file = openSync(join(folder, 'page'), 'w')
  const page = Buffer.alloc(4_096, 1)
  const times = []
  for (let n = 0; n < syncs; n += 1) {
    writeSync(file, page)
    const began = performance.now()
    fdatasyncSync(file)
    times.push(performance.now() - began)
    await new Promise(resume => setTimeout(resume, 10))
  }
  closeSync(file)
  rmSync(folder, { recursive: true, force: true })
  return times.sort((one, other) => one - other)[Math.floor(syncs / 2)]
}

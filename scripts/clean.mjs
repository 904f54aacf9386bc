import { rmSync } from 'node:fs'

for (const name of ['protocol', 'server', 'sdk', 'cli'])
  rmSync(`packages/${name}/dist`, { recursive: true, force: true })

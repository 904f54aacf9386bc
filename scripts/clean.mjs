import { rmSync } from 'node:fs'

for (const name of ['protocol', 'server', 'sdk', 'cli', 'dashboard'])
  rmSync(`packages/${name}/dist`, { recursive: true, force: true })
rmSync('packages/server/dashboard', { recursive: true, force: true })

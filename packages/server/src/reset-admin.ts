import { existsSync } from 'node:fs'
import { openStore } from './compose.ts'
import type { StoreConfig } from './config.ts'
import { createPasswords } from './http/auth/passwords.ts'
import { StoreFileError } from './stores/sqlite/file-errors.ts'
import { systemClock } from './system-clock.ts'

/**
 * The way back in for an operator: makes a user admin in the store itself, under a new password, enabled, its sessions
 * ended. Nodes on PostgreSQL may run meanwhile and notice; a SQLite file must be free. Throws what opening the store throws.
 *
 * @returns whether the user existed
 */
export async function resetAdmin(
  config: StoreConfig,
  { name, password }: { readonly name: string; readonly password: string },
): Promise<{ readonly wasThere: boolean }> {
  if (config.kind === 'sqlite' && !existsSync(config.file)) {
    throw new StoreFileError(`There is no file ${config.file}; name the database of the scheduler with --data.`)
  }
  // A schema is brought up to date by nodes, not on the way.
  const store = await openStore(config.kind === 'postgres' ? { ...config, mayMigrate: false } : config, systemClock)
  try {
    await store.migrate()
    const passwordHash = await createPasswords().hash(password)
    const wasThere = (await store.user(name)) !== null
    if (wasThere) {
      await store.changeUser(name, { passwordHash, role: 'admin', isDisabled: false, endsSessions: true })
    } else await store.createUser({ name, passwordHash, role: 'admin' })
    await store.appendAudit([
      { actor: null, action: 'user.reset_admin', subject: name, address: null, outcome: 'ok', requestId: null },
    ])
    return { wasThere }
  } finally {
    await store.close()
  }
}

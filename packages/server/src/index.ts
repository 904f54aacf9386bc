export { SecretFileError } from './config/open-secrets.ts'
export {
  type Config,
  ConfigError,
  type ConfigInput,
  otherVariables,
  readConfig,
  readStoreConfig,
  type StoreConfig,
  variables,
} from './config.ts'
export { DatabaseError } from './database-error.ts'
export { passwordFault } from './http/auth/first-admin.ts'
export { TlsError } from './http/edge/tls.ts'
export { type Scheduler, startScheduler } from './main.ts'
export {
  applyMigrations,
  type MigrationName,
  planMigrations,
  readSchemaStatus,
  type SchemaStatus,
} from './migrations.ts'
export { MoveError } from './moving/move-error.ts'
export { type MoveAsk, type MoveReport, type MoveStep, moveStore, type TableReport } from './moving/move-store.ts'
export { resetAdmin } from './reset-admin.ts'
export { StoreFileError, StoreLockedError } from './stores/sqlite/file-errors.ts'
export { version } from './version.ts'

export { type Config, ConfigError, type ConfigInput, readConfig, type StoreConfig, variables } from './config.ts'
export { DatabaseError } from './database-error.ts'
export { type Scheduler, startScheduler } from './main.ts'
export {
  applyMigrations,
  type MigrationName,
  planMigrations,
  readSchemaStatus,
  type SchemaStatus,
} from './migrations.ts'
export { MoveError, type MoveProgress, type MoveReport, moveStore } from './moving/move-store.ts'
export { StoreFileError, StoreLockedError } from './stores/sqlite/file-errors.ts'
export { systemClock } from './system-clock.ts'
export { version } from './version.ts'

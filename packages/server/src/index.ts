export { type Config, ConfigError, type ConfigInput, readConfig, variables } from './config.ts'
export { type Scheduler, startScheduler } from './main.ts'
export { StoreFileError, StoreLockedError } from './stores/sqlite/file-errors.ts'
export { version } from './version.ts'

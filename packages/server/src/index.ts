export { type Config, ConfigError, type ConfigInput, readConfig, variables } from './config.ts'
export { type Scheduler, startScheduler } from './main.ts'
export { StoreLockedError } from './stores/sqlite/open-file.ts'
export { version } from './version.ts'

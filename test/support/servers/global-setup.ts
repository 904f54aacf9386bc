import { openDesk } from './desk.ts'
import { postgresOffers } from './postgres.ts'

/** For vitest: called once before all test files; what it returns, after them. */
export async function setup(): Promise<() => Promise<void>> {
  const desk = await openDesk(postgresOffers)
  return desk.close
}

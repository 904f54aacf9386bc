// What the two peers on PostgreSQL share.
import { startPostgres } from './servers.mjs'

export async function openPostgres(atHand) {
  const server = await startPostgres(atHand.postgres)
  return { place: { url: server.url }, close: server.close }
}

export async function poolAt(place, max) {
  const { default: pg } = await import('pg')
  const pool = new pg.Pool({ connectionString: place.url, max })
  // The server ends idle connections when it stops, at times before the pool has closed them; without a listener that
  // would end the process. A connection that breaks in use fails its query.
  const ignore = () => {}
  pool.on('error', ignore)
  pool.on('connect', client => client.on('error', ignore))
  return pool
}

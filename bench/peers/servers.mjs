// Private servers on free ports with folders of their own, on loopback, never the machine's services.
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort, startProcess, temporaryFolder } from './processes.mjs'

/** @param appendOnly true: the log is synced to disk every second; false: nothing is written to disk */
export async function startRedis(program, { appendOnly }) {
  const { folder, close: removeFolder } = temporaryFolder(null)
  const port = await freePort()
  const server = startProcess(program, [
    ...['--bind', '127.0.0.1', '--port', String(port), '--dir', folder, '--save', ''],
    ...(appendOnly ? ['--appendonly', 'yes', '--appendfsync', 'everysec'] : ['--appendonly', 'no']),
  ])
  await server.line('Ready to accept connections')
  return { port, close: inOrder(server.close, removeFolder) }
}

/** @param at `{ folder, owner }`: where the programs are, and whom they run as, since PostgreSQL refuses root */
export async function startPostgres({ folder: programs, owner }) {
  const { folder, close: removeFolder } = temporaryFolder(owner)
  const identity = owner ?? {}
  const data = join(folder, 'data')
  execFileSync(
    join(programs, 'initdb'),
    ['--pgdata', data, '--username', 'bench', '--auth', 'trust', '--no-locale', '--encoding', 'UTF8'],
    { ...identity, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] },
  )
  const port = await freePort()
  const settings = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: folder,
    fsync: 'on',
    synchronous_commit: 'on',
    shared_buffers: '512MB',
    max_wal_size: '4GB',
  }
  const server = startProcess(
    join(programs, 'postgres'),
    ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    // SIGINT is its fast shutdown; SIGTERM would wait for every client.
    { ...identity, cwd: folder, stopSignal: 'SIGINT' },
  )
  await server.line('ready to accept connections')
  return { url: `postgres://bench@127.0.0.1:${port}/postgres`, close: inOrder(server.close, removeFolder) }
}

/** @param at `{ server, epmd }`: the two programs; Erlang's port mapper is started too, or it would outlive the node */
export async function startRabbit({ server: program, epmd }) {
  const { folder, close: removeFolder } = temporaryFolder(null)
  const [port, mapperPort, nodePort] = [await freePort(), await freePort(), await freePort()]
  const configuration = join(folder, 'rabbitmq.conf')
  writeFileSync(configuration, `listeners.tcp.1 = 127.0.0.1:${port}\nlog.console = true\nlog.console.level = info\n`)
  writeFileSync(join(folder, 'enabled_plugins'), '[].\n')
  const env = {
    ...process.env,
    HOME: folder,
    ERL_EPMD_PORT: String(mapperPort),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_NODENAME: `bench${port}@localhost`,
    RABBITMQ_DIST_PORT: String(nodePort),
    RABBITMQ_CONFIG_FILE: configuration,
    RABBITMQ_CONF_ENV_FILE: join(folder, 'none'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'enabled_plugins'),
    RABBITMQ_MNESIA_BASE: join(folder, 'mnesia'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_LOGS: '-',
    // The start script then becomes the server instead of a shell that waits for it: one pid, stopped by SIGTERM.
    RUNNING_UNDER_SYSTEMD: 'true',
  }
  const mapper = startProcess(epmd, ['-address', '127.0.0.1', '-port', String(mapperPort)], { env })
  const server = startProcess(program, [], { env, cwd: folder })
  await server.line('Server startup complete')
  return { url: `amqp://guest:guest@127.0.0.1:${port}//`, close: inOrder(server.close, mapper.close, removeFolder) }
}

function inOrder(...closers) {
  return async () => {
    for (const close of closers) await close()
  }
}

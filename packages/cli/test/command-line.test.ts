import { readFile } from 'node:fs/promises'
import type { Stats } from '@tasklane/protocol'
import { ApiError, UnreachableError } from '@tasklane/sdk'
import { describe, expect, it } from 'vitest'
import { exitCodeMeanings } from '../src/exit-codes.ts'
import { wrapParagraphs } from '../src/output/paragraphs.ts'
import { run } from './fake-host.ts'
import { sampleTask } from './sample-task.ts'

describe('the command line', () => {
  it('lists every exit code in the help and in the README', async () => {
    const { exitCode, out } = await run(['--help'])
    const readme = (await readFile(new URL('../README.md', import.meta.url), 'utf8')).replace(/ +/g, ' ')
    expect(exitCode).toBe(0)
    for (const [code, meaning] of exitCodeMeanings) {
      expect(out).toContain(`  ${String(code).padEnd(5)}${meaning}`)
      expect(readme).toContain(`| ${code} | ${meaning} |`)
    }
  })

  it.each([
    'serve',
    'worker',
    'dev',
    'demo',
    'submit',
    'generate',
    'stats',
    'tasks list',
    'tasks get',
    'tasks logs',
    'tasks why',
    'tasks cancel',
    'tasks retry',
    'tasks wait',
    'workers start',
    'workers status',
    'workers logs',
    'workers restart',
    'workers stop',
    'workers list',
    'workers drain',
    'workers remove',
    'queues list',
    'queues pause',
    'queues resume',
    'alerts list',
    'alerts silence',
    'alerts unsilence',
    'alerts rules list',
    'alerts rules create',
    'alerts rules set',
    'alerts rules enable',
    'alerts rules disable',
    'alerts rules remove',
    'alerts channels list',
    'alerts channels create',
    'alerts channels set',
    'alerts channels test',
    'alerts channels remove',
    'login',
    'logout',
    'whoami',
    'users list',
    'users create',
    'users disable',
    'users enable',
    'users role',
    'users password',
    'users reset-admin',
    'tokens create',
    'tokens list',
    'tokens revoke',
    'audit',
  ])('shows examples in the help of %s, and takes --json there', async command => {
    const { exitCode, out } = await run([...command.split(' '), '--help'])
    expect(exitCode).toBe(0)
    expect(out).toContain('Examples:')
    expect(out).toContain('--json')
  })

  it('suggests the command that was meant', async () => {
    const { exitCode, err } = await run(['sumbit'])
    expect(exitCode).toBe(2)
    expect(err).toContain("Unknown command 'sumbit'. Did you mean submit?")
  })

  it('says what is wrong about a command or a value, and not that one is missing', async () => {
    expect((await run(['help', 'wrokers'])).err).toContain("Unknown command 'wrokers'. Did you mean 'workers'?")
    expect((await run(['worker', '--worker-id'])).err).toContain('Option --worker-id <id> is given without its value.')
    expect(await run(['help', 'workers'])).toMatchObject({ exitCode: 0, err: '' })
  })

  it('keeps its help within the width of the page', async () => {
    for (const line of [
      '',
      'workers start',
      'users reset-admin',
      'tokens create',
      'alerts rules create',
      'worker',
      'demo',
    ]) {
      const { out } = await run([...line.split(' ').filter(word => word !== ''), '--help'])
      const prose = out.split('\n').filter(each => !each.startsWith('  $'))
      expect(prose.filter(each => each.length > 100)).toEqual([])
    }
    expect(wrapParagraphs('one two\nthree:\n  kept   as it is\na  b\nfour five', 9)).toBe(
      'one two\nthree:\n  kept   as it is\na  b\nfour five',
    )
  })

  it('shows the help of a group that was called alone, on stderr', async () => {
    const { exitCode, out, err } = await run(['tasks'])
    expect(exitCode).toBe(2)
    expect(out).toBe('')
    expect(err).toContain('cancel')
  })

  it('names a missing operand and one too many', async () => {
    expect((await run(['tasks', 'get'])).err).toContain("Missing required argument 'id'")
    expect((await run(['tasks', 'get', 'a', 'b'])).err).toContain("'b' is one argument too many.")
  })

  it('names the shells it can complete for', async () => {
    const { exitCode, out, err } = await run(['completion', 'fihs'])
    expect(exitCode).toBe(2)
    expect(out).toBe('')
    expect(err).toContain("The shell takes one of zsh, bash, fish, powershell, not 'fihs'. Did you mean 'fish'?")
  })
})

describe('all that is wrong with a command line is told at once', () => {
  it.each([
    [
      'serve --zzz --port 99999 --data /no/such/folder/x.db --host ',
      ['no option --zzz', "--port is '99999'", "--host is ''", '/no/such/folder does not exist. Create it'],
    ],
    [
      'dev gone.ts --port 99999 --workers 0 --data /no/such/folder/x.db --zzz --host ',
      ['no option --zzz', "--port is '99999'", "--host is ''", '/no/such/folder', '--workers takes', 'no file /'],
    ],
    ['serve --port  --data ', ['--port is empty', '--data is empty']],
    [
      'worker gone.ts --zzz --concurrency 0 --allow-files ',
      ['no option --zzz', '--concurrency takes', 'gone.ts. Give the path', '--allow-files is empty'],
    ],
    [
      'worker --capabilities ad --grace x --label version',
      ["--label takes key=value, not 'version'", "no type 'ad'. Did you mean 'add'?", '--grace takes'],
    ],
    ['demo /no/such/folder --zzz', ['no option --zzz', '/no/such/folder is not a folder']],
    ['submit add @/no/such/file -p 99 --zzz', ['no option --zzz', '--priority takes', 'The payload cannot be read']],
  ])('by %s', async (line, sentences) => {
    const { exitCode, out, err } = await run(line.split(' '))
    expect(exitCode).toBe(2)
    expect(out).toBe('')
    for (const sentence of sentences) expect(err).toContain(sentence)
  })

  it.each(['worker --queues', 'worker --capabilities', 'tasks list --status', 'submit add --depends-on'])(
    'by %s with nothing in it, which is no list',
    async words => {
      for (const empty of ['', ' , ']) {
        const { exitCode, err } = await run([...words.split(' '), empty])
        expect(exitCode).toBe(2)
        expect(err).toContain(`${words.split(' ').at(-1)} is empty`)
      }
    },
  )
})

describe('a refused command line ends with the help to look at', () => {
  it.each([
    ['sumbit', 'tasklane --help'],
    ['stats --zzz', 'tasklane stats --help'],
    ['tasks', 'tasklane tasks --help'],
    ['tasks lst', 'tasklane tasks --help'],
    ['tasks get', 'tasklane tasks get --help'],
    ['tasks list --limit 0', 'tasklane tasks list --help'],
    ['completion foo', 'tasklane completion --help'],
  ])('of %s: %s', async (line, help) => {
    const { exitCode, err } = await run(line.split(' '))
    expect(exitCode).toBe(2)
    expect(err).toContain(`See: ${help}\n`)
  })
})

describe('the exit code', () => {
  it.each([
    [404, 3],
    [401, 4],
    [403, 4],
    [409, 5],
    [422, 2],
    [503, 6],
    [500, 1],
  ])('of a refusal with status %i is %i', async (status, expected) => {
    const get = async () => {
      throw new ApiError({ status, code: 'some_code', detail: 'A plain sentence.', requestId: 'r1' })
    }
    const { exitCode, err } = await run(['tasks', 'get', 'x'], { client: { get, attempts: async () => [] } })
    expect(exitCode).toBe(expected)
    expect(err).toContain('A plain sentence.')
    expect(err).toContain('r1')
  })

  it('is 6 where no scheduler answers, and the sentence says how to start one', async () => {
    const stats = async () => {
      throw new UnreachableError(['http://127.0.0.1:8000'], 'connect ECONNREFUSED', false)
    }
    const { exitCode, out, err } = await run(['stats'], { client: { stats } })
    expect(exitCode).toBe(6)
    expect(out).toBe('')
    expect(err).toContain('tasklane serve')
    expect(err).not.toContain('    at ')
  })

  it('of several tasks is that of the first refusal, and the others are done all the same', async () => {
    const cancel = async (id: string) => {
      if (id === 'b') throw new ApiError({ status: 409, code: 'task_finished', detail: 'It has ended.' })
      return sampleTask({ task_id: id, status: 'cancelled' })
    }
    const { exitCode, out, err } = await run(['tasks', 'cancel', 'a', 'b', 'c'], { client: { cancel } })
    expect(exitCode).toBe(5)
    expect(out).toBe('a is cancelled\nc is cancelled\n')
    expect(err).toContain('b: It has ended.')
  })
})

describe('listing', () => {
  it('says what to do where there are no tasks, workers or queues', async () => {
    const client = {
      list: async () => ({ tasks: [], next_cursor: null }),
      workers: async () => [],
      queues: async () => [],
    }
    expect((await run(['tasks', 'list'], { client })).out).toContain(`tasklane submit add '{"x":1,"y":2}'`)
    expect((await run(['workers', 'list'], { client })).out).toContain('tasklane worker')
    expect((await run(['queues', 'list'], { client })).out).toContain('No queues yet')
  })

  it('prints tasks as a table without colours where nobody looks', async () => {
    const list = async () => ({ tasks: [sampleTask({ name: 'two\nlines\u001b[2J' })], next_cursor: 'next' })
    const { out, err } = await run(['tasks', 'list'], { client: { list } })
    const [head = '', row = ''] = out.split('\n')
    expect(head.split(/\s{2,}/)).toEqual([
      'ID',
      'TYPE',
      'STATUS',
      'PRIO',
      'QUEUE',
      'WORKER',
      'SUBMITTED',
      'RAN',
      'NAME',
    ])
    expect(row.split(/\s{2,}/)).toEqual([
      't1',
      'add',
      'completed',
      '5',
      'default',
      'w1',
      '10 s ago',
      '2.5 s',
      'two␊lines␛[2J',
    ])
    expect(err).toContain('--cursor next')
  })

  it('prints colours on a terminal, and none with NO_COLOR', async () => {
    const list = async () => ({ tasks: [sampleTask()], next_cursor: null })
    const options = { client: { list }, isTTY: true }
    expect((await run(['tasks', 'list'], options)).out).toContain('\u001b[32mcompleted')
    expect((await run(['tasks', 'list'], { ...options, env: { NO_COLOR: '1' } })).out).not.toContain('\u001b')
    expect((await run(['tasks', 'list'], { ...options, env: { TERM: 'dumb' } })).out).not.toContain('\u001b')
  })

  it('prints one JSON document with --json, and nothing else anywhere', async () => {
    const page = { tasks: [sampleTask()], next_cursor: 'next' }
    const { out, err } = await run(['tasks', 'list', '--json'], { client: { list: async () => page } })
    expect(JSON.parse(out)).toEqual(page)
    expect(err).toBe('')
  })

  it('asks for what the filter says', async () => {
    const asked: unknown[] = []
    const list = async (options?: object) => {
      asked.push(options)
      return { tasks: [], next_cursor: null }
    }
    const words = ['tasks', 'list', '--status', 'failed,running', '--label', 'team=a', '--limit', '5', '--type', 'add']
    await run(words, { client: { list } })
    expect(asked).toEqual([
      expect.objectContaining({ status: ['failed', 'running'], label: 'team:a', limit: 5, taskType: ['add'] }),
    ])
  })

  it('refuses a state that does not exist and names those that do', async () => {
    const { exitCode, err } = await run(['tasks', 'list', '--status', 'complete'])
    expect(exitCode).toBe(2)
    expect(err).toContain("Did you mean 'completed'?")
  })

  it('pauses queues with a reason or without one, and shows what was said of them without obeying it', async () => {
    const counts = { blocked: 0, scheduled: 0, pending: 0, running: 0, completed: 0, failed: 0, cancelled: 0 }
    const rest = { counts, depth: 0, oldest_age: null, submitted_per_second: 0, finished_per_second: 0 }
    const asked: unknown[] = []
    const pauseQueue = async (name: string, options?: { readonly reason?: string }) => {
      asked.push([name, options])
      const pause = { at: null, by: null, reason: options?.reason ?? 'Told\u001b[2J before' }
      return { name, paused: true, pause, ...rest }
    }
    const words = ['queues', 'pause', 'mail', 'post', '--reason', ' Deploying ']
    expect((await run(words, { client: { pauseQueue } })).out).toBe(
      'mail is paused: Deploying\npost is paused: Deploying\n',
    )
    const { out } = await run(['queues', 'pause', 'mail', '--reason', ' '], { client: { pauseQueue } })
    expect(out).toMatch(/^mail is paused: Told.*before\n$/)
    expect(out).not.toContain('\u001b')
    expect(asked).toEqual([
      ['mail', { reason: 'Deploying' }],
      ['post', { reason: 'Deploying' }],
      ['mail', {}],
    ])
    const long = await run(['queues', 'pause', 'mail', '--reason', 'x'.repeat(257)], { client: { pauseQueue } })
    expect(long).toMatchObject({ exitCode: 2, err: expect.stringContaining('--reason') })
  })

  it('shows a queue with its depth and state', async () => {
    const counts = { blocked: 0, scheduled: 0, pending: 1_200, running: 3, completed: 0, failed: 0, cancelled: 0 }
    const queue = {
      name: 'q',
      paused: true,
      pause: { at: null, by: 'anna', reason: 'Deploying the new mailer' },
      counts,
      depth: 1_203,
      oldest_age: 90,
      submitted_per_second: 0.4,
      finished_per_second: 12,
    }
    const { out } = await run(['queues', 'list'], { client: { queues: async () => [queue] } })
    expect(out.split('\n')[1]?.split(/\s{2,}/)).toEqual([
      'q',
      'paused',
      '1,200',
      '3',
      '0',
      '0',
      '0',
      '1m 30s',
      '0.4',
      '12',
      'by anna: Deploying the new mailer',
    ])
  })
})

describe('logs', () => {
  it('follows until the task has ended, a JSON line each', async () => {
    const line = (number: number) => ({
      line: number,
      epoch: 1,
      time: '2030-01-01T00:00:00Z',
      level: 'info' as const,
      message: `m${number}`,
    })
    const pages = [
      { logs: [line(1), line(2)], next_after: 2 },
      { logs: [line(3)], next_after: null },
    ]
    const client = {
      get: async () => sampleTask(),
      logs: async () => pages.shift() ?? { logs: [], next_after: null },
    }
    const { exitCode, out } = await run(['tasks', 'logs', 't1', '--follow', '--json'], { client })
    expect(exitCode).toBe(0)
    expect(
      out
        .trim()
        .split('\n')
        .map(text => JSON.parse(text).message),
    ).toEqual(['m1', 'm2', 'm3'])
  })
})

describe('stats', () => {
  it('are numbers for programs and sentences for people', async () => {
    const stats: Stats = {
      tasks: { blocked: 0, scheduled: 0, pending: 2, running: 1, completed: 5, failed: 0, cancelled: 0 },
      total: 8,
      workers: { active: 1, draining: 0, lost: 0, slots: 10 },
      rates: { submitted_per_second: 1, completed_per_second: 2, failed_per_second: 0 },
      wait_ms: null,
      run_ms: { p50: 12, p95: 1_500 },
      uptime_seconds: 75,
      version: '0.1.0',
    }
    const client = { stats: async () => stats }
    expect(JSON.parse((await run(['stats', '--json'], { client })).out)).toEqual(stats)
    const { out } = await run(['stats'], { client })
    expect(out).toContain('p50 12 ms, p95 1.5 s')
    expect(out).toContain('1m 15s, version 0.1.0')
  })
})

import { WaitTimeoutError } from '@tasklane/sdk'
import { describe, expect, it } from 'vitest'
import type { SchedulerClient } from '../src/connection.ts'
import { runCommandLine } from '../src/program.ts'
import { createFakeHost, run } from './fake-host.ts'
import { sampleTask } from './sample-task.ts'

/** A scheduler that takes everything and remembers it. */
function accepting(ended = sampleTask()) {
  const submits: unknown[][] = []
  const handle = { taskId: 't1', status: 'pending', outcome: 'created' }
  const client = {
    submit: async (...args: unknown[]) => {
      submits.push(args)
      return handle
    },
    wait: async () => ended,
  } as unknown as Partial<SchedulerClient>
  return { client, submits }
}

describe('submit', () => {
  it('prints the id alone on stdout and the rest on stderr', async () => {
    const { client } = accepting()
    const { exitCode, out, err } = await run(['submit', 'add', '{"x":1,"y":2}'], { client })
    expect(exitCode).toBe(0)
    expect(out).toBe('t1\n')
    expect(err).toContain('tasklane tasks get t1')
  })

  it('hands every option on in the words of the client', async () => {
    const { client, submits } = accepting()
    const words = 'submit add null --priority 7.5 --queue q --depends-on a,b --depends-on c --delay 5m --timeout none'
    const more =
      '--max-retries 0 --id mine --idempotency-key k --label a=1 --label b=x=y --on-dependency-failure proceed'
    await run([...words.split(' '), ...more.split(' '), '--name', 'a name'], { client })
    expect(submits).toEqual([
      [
        'add',
        null,
        {
          priority: 7.5,
          queue: 'q',
          dependsOn: ['a', 'b', 'c'],
          onDependencyFailure: 'proceed',
          delay: 300,
          timeout: null,
          maxRetries: 0,
          taskId: 'mine',
          idempotencyKey: 'k',
          name: 'a name',
          labels: { a: '1', b: 'x=y' },
        },
      ],
    ])
  })

  it('tells all faults at once and sends nothing', async () => {
    const { client, submits } = accepting()
    const words = [
      'submit',
      'add',
      '{"x":',
      '--priority',
      '11',
      '--delay',
      'soon',
      '--label',
      'foo',
      '--url',
      'ftp://x',
    ]
    const { exitCode, out, err, host } = await run(words, { client })
    expect(exitCode).toBe(2)
    expect(out).toBe('')
    for (const subject of [
      'The payload is not JSON',
      '--priority takes',
      '--delay takes',
      '--label takes',
      '--url takes',
    ]) {
      expect(err).toContain(subject)
    }
    expect(submits).toEqual([])
    expect(host.connections).toEqual([])
  })

  it('suggests the option that was meant', async () => {
    const { exitCode, err } = await run(['submit', 'add', '--prioritty', '5'])
    expect(exitCode).toBe(2)
    expect(err).toContain("There is no option --prioritty here. Did you mean '--priority'?")
  })

  it('refuses --delay together with --run-at', async () => {
    const { exitCode, err } = await run(['submit', 'add', '--delay', '5', '--run-at', '2030-01-01T00:00:00Z'])
    expect(exitCode).toBe(2)
    expect(err).toContain('give one of them')
  })

  it('takes the payload from stdin', async () => {
    const { client, submits } = accepting()
    await run(['submit', 'add', '-'], { client, stdin: '{"x":1}' })
    expect(submits[0]?.[1]).toEqual({ x: 1 })
  })

  it('refuses an integer that JSON cannot keep before anything is sent', async () => {
    const { client, submits } = accepting()
    const { exitCode, err } = await run(['submit', 'add', '{"x":9007199254740993}'], { client })
    expect(exitCode).toBe(2)
    expect(err).toContain('2^53')
    expect(submits).toEqual([])
  })

  it('takes a word after -- as an operand, whatever it begins with', async () => {
    const { client, submits } = accepting()
    const { exitCode } = await run(['submit', 'add', '--', '-5'], { client })
    expect(exitCode).toBe(0)
    expect(submits[0]?.[1]).toBe(-5)
  })

  it('with --wait prints the result', async () => {
    const { client } = accepting()
    const { exitCode, out, host } = await run(['submit', 'add', '{"x":1,"y":2}', '--wait'], { client })
    expect(exitCode).toBe(0)
    expect(out).toBe('3\n')
    expect(host.isConnectionClosed()).toBe(true)
  })

  it('with --wait --json prints the task, failed ones too', async () => {
    const error = { code: 'boom', message: 'It broke.' }
    const { client } = accepting(sampleTask({ status: 'failed', attempt: 6, result: null, error }))
    const { exitCode, out, err } = await run(['submit', 'add', '{}', '--wait', '--json'], { client })
    expect(exitCode).toBe(1)
    expect(JSON.parse(out)).toMatchObject({ task_id: 't1', status: 'failed', error })
    expect(JSON.parse(err)).toMatchObject({ error: { code: 'task_failed', exit_code: 1 } })
  })

  it('with --wait exits 7 for a cancelled task', async () => {
    const { client } = accepting(sampleTask({ status: 'cancelled', result: null }))
    const { exitCode, out, err } = await run(['submit', 'add', '{}', '--wait'], { client })
    expect(exitCode).toBe(7)
    expect(out).toBe('')
    expect(err).toContain('was cancelled')
  })

  it('says how to wait again when the time is up, and exits 124', async () => {
    const { client } = accepting()
    const wait = async () => {
      throw new WaitTimeoutError('t1', 1_000, 'running')
    }
    const words = ['submit', 'add', '{}', '--wait-timeout', '1s']
    const { exitCode, err } = await run(words, { client: { ...client, wait } })
    expect(exitCode).toBe(124)
    expect(err).toContain('tasklane tasks wait t1')
  })

  it('lets go of the task at Ctrl-C, says how to come back, and exits 130', async () => {
    const { client } = accepting()
    const wait: SchedulerClient['wait'] = (_id, options) =>
      new Promise((_resolve, reject) => {
        options?.signal?.addEventListener('abort', () => reject(options.signal?.reason))
      })
    const host = createFakeHost({ client: { ...client, wait } })
    const ending = runCommandLine(['submit', 'add', '{}', '--wait'], host)
    await host.listening
    host.interrupt('SIGINT')
    expect(await ending).toBe(130)
    expect(host.err()).toContain('task t1 goes on')
    expect(host.err()).toContain('tasklane tasks wait t1')
  })
})

describe('the address of the scheduler', () => {
  it.each([
    [['--url', 'http://a:1/'], {}, ['http://a:1']],
    [['--url', 'http://a:1'], { TASKLANE_URL: 'http://b:2' }, ['http://a:1']],
    [[], { TASKLANE_URL: 'http://b:2, http://c:3' }, ['http://b:2', 'http://c:3']],
    [[], {}, ['http://127.0.0.1:8000']],
  ])('is taken from the flag, then the environment, then the default (%j, %j)', async (flags, env, urls) => {
    const { client } = accepting()
    const { host } = await run(['submit', 'add', '{}', ...flags], { client, env: { ...env, TASKLANE_TOKEN: 'secret' } })
    expect(host.connections).toEqual([{ urls, token: 'secret' }])
  })

  it('is refused from the environment too', async () => {
    const { exitCode, err } = await run(['stats'], { env: { TASKLANE_URL: 'localhost' } })
    expect(exitCode).toBe(2)
    expect(err).toContain('TASKLANE_URL takes an address')
  })
})

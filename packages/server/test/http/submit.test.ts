import { limits } from '@tasklane/protocol'
import { describe, expect, it } from 'vitest'
import { startNode } from './harness.ts'

describe('POST /api/tasks', () => {
  it('answers 201 with the whole task and its address', async () => {
    const { call } = await startNode()
    const answer = await call('POST', '/api/tasks', { task_id: 't1', task_type: 'add', payload: { x: 1, y: 2 } })
    expect(answer.status).toBe(201)
    expect(answer.headers.location).toBe('/api/tasks/t1')
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8')
    expect(Object.keys(answer.body)).toEqual(
      'task_id task_type queue name description payload priority priority_source status worker_id dependencies timeout max_retries attempt idempotency_key run_at created_at started_at completed_at result error progress labels submitted_by trace'.split(
        ' ',
      ),
    )
    expect(answer.body).toMatchObject({
      task_id: 't1',
      queue: 'default',
      payload: { x: 1, y: 2 },
      priority: 5,
      priority_source: 'default',
      status: 'pending',
      timeout: 300,
      max_retries: 5,
      attempt: 0,
      labels: {},
      dependencies: [],
      result: null,
    })
    expect(await call('GET', '/api/tasks/t1')).toMatchObject({ status: 200, body: answer.body })
  })

  it('makes an id where none is given, and a trailing slash never matters', async () => {
    const { call } = await startNode()
    const answer = await call('POST', '/api/tasks/', { task_type: 'add' })
    expect(answer.status).toBe(201)
    expect(answer.body.task_id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/)
  })

  it('answers a repeat with 200 and the first task, and other content with 409', async () => {
    const { call } = await startNode()
    const first = await call('POST', '/api/tasks', { task_id: 't1', task_type: 'add', payload: [1] })
    const repeat = await call('POST', '/api/tasks', { task_id: 't1', task_type: 'add', payload: [1] })
    expect(repeat).toMatchObject({ status: 200, body: first.body })
    const other = await call('POST', '/api/tasks', { task_id: 't1', task_type: 'add', payload: [2] })
    expect(other).toMatchObject({ status: 409, body: { code: 'task_conflict' } })
  })

  it.each([['key-1'], ['"key-1"']])('takes the header Idempotency-Key as %s', async header => {
    const { call } = await startNode()
    const first = await call('POST', '/api/tasks', { task_type: 'add' }, { 'idempotency-key': header })
    expect(first.body.idempotency_key).toBe('key-1')
    const repeat = await call('POST', '/api/tasks', { task_type: 'add', idempotency_key: 'key-1' })
    expect(repeat).toMatchObject({ status: 200, body: { task_id: first.body.task_id } })
  })

  it.each([
    ['a key that is not the one of the body', '"other"', 'the body'],
    ['an empty string', '""', 'one string in quotes'],
    ['two words', 'a b', 'one string in quotes'],
    ['two headers', 'a, b', 'one string in quotes'],
    ['too many characters', 'k'.repeat(limits.idempotencyKeyCharsMax + 1), '257 characters'],
  ])('refuses an Idempotency-Key with %s', async (_what, header, sentence) => {
    const { call } = await startNode()
    const answer = await call(
      'POST',
      '/api/tasks',
      { task_type: 'add', idempotency_key: 'mine' },
      { 'idempotency-key': header },
    )
    expect(answer.status).toBe(422)
    expect(answer.body.detail).toContain(sentence)
    expect(answer.body.errors).toMatchObject([{ pointer: 'Idempotency-Key' }])
  })

  it('keeps run_at as an instant, whatever zone it was given in, and schedules the task', async () => {
    const { call } = await startNode()
    const soon = new Date(Date.now() + 86_400_000).toISOString().slice(0, 11)
    const answer = await call('POST', '/api/tasks', { task_type: 'add', run_at: `${soon}12:00:00+02:00` })
    expect(answer.body).toMatchObject({ run_at: `${soon}10:00:00.000Z`, status: 'scheduled' })
  })

  it('takes a run_at that has passed as now', async () => {
    const { call } = await startNode()
    const answer = await call('POST', '/api/tasks', { task_type: 'add', run_at: '2001-01-01T00:00:00Z' })
    expect(answer).toMatchObject({ status: 201, body: { status: 'pending' } })
  })

  it('tells a null timeout as no limit, and uses the configured defaults otherwise', async () => {
    const { call } = await startNode({ settings: { taskTimeoutMs: 1_500, taskRetries: 2 } })
    expect((await call('POST', '/api/tasks', { task_type: 'a', timeout: null })).body.timeout).toBeNull()
    expect((await call('POST', '/api/tasks', { task_type: 'a' })).body).toMatchObject({ timeout: 1.5, max_retries: 2 })
  })

  it('names a parent once however often it is given', async () => {
    const { call } = await startNode()
    await call('POST', '/api/tasks', { task_id: 'p', task_type: 'a' })
    const answer = await call('POST', '/api/tasks', { task_type: 'a', dependencies: ['p', 'p'] })
    expect(answer.body).toMatchObject({ dependencies: ['p'], status: 'blocked' })
  })

  it('keeps the W3C trace of the caller, or else the request id', async () => {
    const { call } = await startNode()
    const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    expect((await call('POST', '/api/tasks', { task_type: 'a' }, { traceparent: trace })).body.trace).toBe(trace)
    const headers = { traceparent: `00-${'0'.repeat(32)}-b7ad6b7169203331-01`, 'x-request-id': 'mine' }
    expect((await call('POST', '/api/tasks', { task_type: 'a' }, headers)).body.trace).toBe('mine')
  })

  it('gives the payload back as it was, member order and Unicode included', async () => {
    const { call } = await startNode()
    const payload = '{"z":1,"a":{"é":"\\ud83d\\ude00","b":[1.5,null,true,"\\\\"]}}'
    const answer = await call('POST', '/api/tasks', `{"task_type":"a","payload":${payload}}`)
    expect(JSON.stringify(answer.body.payload)).toBe(JSON.stringify(JSON.parse(payload)))
  })
})

describe('what a submit refuses with 422, naming field and way out', () => {
  const ahead = new Date(Date.now() + 11 * 365.25 * 86_400_000).toISOString()
  it.each([
    ['a missing type', {}, '/task_type', "Field 'task_type' is missing."],
    ['a body that is a list', [], '', 'The body is a list; it takes an object.'],
    ['a body that is null', null, '', 'The body is null; it takes an object.'],
    [
      'an unknown field',
      { task_type: 'a', priorty: 1 },
      '/priorty',
      "Field 'priorty' is unknown; did you mean 'priority'?",
    ],
    ['a number as text', { task_type: 'a', priority: '5' }, '/priority', "Field 'priority' is '5'; it takes a number."],
    [
      'priority 0',
      { task_type: 'a', priority: 0 },
      '/priority',
      "Field 'priority' is 0; it takes a number from 1 to 10.",
    ],
    ['priority 11', { task_type: 'a', priority: 11 }, '/priority', 'it takes a number from 1 to 10.'],
    ['infinite priority', '{"task_type":"a","priority":1e999}', '', 'too large for a 64-bit float'],
    ['half a retry', { task_type: 'a', max_retries: 1.5 }, '/max_retries', 'it takes a whole number.'],
    ['a billion retries', { task_type: 'a', max_retries: 1e9 }, '/max_retries', 'it takes a number from 0 to 100.'],
    ['a timeout of 0', { task_type: 'a', timeout: 0 }, '/timeout', 'it takes a number above 0 and up to 2592000.'],
    ['a huge timeout', { task_type: 'a', timeout: 1e12 }, '/timeout', 'above 0 and up to 2592000'],
    ['a negative delay', { task_type: 'a', delay: -1 }, '/delay', 'it takes a number from 0 to 315360000.'],
    [
      'a type with a space',
      { task_type: 'a b' },
      '/task_type',
      "Task type 'a b' contains a space; use letters, digits, '_', '.', ':', '/' and '-'.",
    ],
    [
      'a queue with a space',
      { task_type: 'a', queue: 'a b' },
      '/queue',
      "Queue name 'a b' contains a space; use letters, digits, '_', '.', ':', '/' and '-'.",
    ],
    ['a queue with a homoglyph', { task_type: 'a', queue: 'dеfault' }, '/queue', "contains 'е'"],
    ['a queue with a zero-width joiner', { task_type: 'a', queue: 'a\u200db' }, '/queue', 'contains U+200D'],
    ['a queue with an escape sequence', { task_type: 'a', queue: 'a\u001b[2J' }, '/queue', 'contains U+001B'],
    ['an id that is a path', { task_type: 'a', task_id: '../x' }, '/task_id', "Task id '../x' contains '/'"],
    ['an id that begins with a dot', { task_type: 'a', task_id: '.x' }, '/task_id', 'does not begin with a letter'],
    [
      'an overlong id',
      { task_type: 'a', task_id: 'x'.repeat(129) },
      '/task_id',
      'has 129 characters; it takes up to 128.',
    ],
    ['an empty queue', { task_type: 'a', queue: '' }, '/queue', "Field 'queue' is empty."],
    [
      'a label that is a number',
      { task_type: 'a', labels: { a: 1 } },
      '/labels/a',
      "Field 'labels.a' is 1; it takes a string.",
    ],
    [
      '33 labels',
      { task_type: 'a', labels: Object.fromEntries(Array.from({ length: 33 }, (_, at) => [`k${at}`, 'v'])) },
      '/labels',
      'has 33 entries; it takes up to 32.',
    ],
    ['a label with an empty key', { task_type: 'a', labels: { '': 'v' } }, '/labels/', 'has an empty name.'],
    [
      'February 30th',
      { task_type: 'a', run_at: '2027-02-30T00:00:00Z' },
      '/run_at',
      'it takes an RFC 3339 time with a zone',
    ],
    ['no zone', { task_type: 'a', run_at: '2027-02-20T00:00:00' }, '/run_at', 'with a zone'],
    ['the year 275761', { task_type: 'a', run_at: '+275761-01-01T00:00:00Z' }, '/run_at', 'with a zone'],
    ['a year before 1970', { task_type: 'a', run_at: '1960-01-01T00:00:00Z' }, '/run_at', 'from 1970 on'],
    ['eleven years ahead', { task_type: 'a', run_at: ahead }, '/run_at', 'up to ten years ahead'],
    ['run_at and delay', { task_type: 'a', run_at: '2027-01-01T00:00:00Z', delay: 1 }, '/delay', 'exclude each other'],
    [
      'an unknown policy',
      { task_type: 'a', on_dependency_failure: 'x' },
      '/on_dependency_failure',
      "it takes 'cancel' or 'proceed'.",
    ],
    ['an unknown parent', { task_type: 'a', dependencies: ['nobody'] }, null, 'nobody'],
    ['itself as parent', { task_id: 's', task_type: 'a', dependencies: ['s'] }, null, 's'],
    ['U+0000', { task_type: 'a', payload: 'a\u0000b' }, '', 'U+0000'],
    ['half a surrogate pair', '{"task_type":"a","payload":"\\ud800"}', '', 'surrogate'],
    ['an integer beyond 2^53', '{"task_type":"a","payload":9007199254740993}', '', 'send it as a string'],
    ['nesting of 101', `{"task_type":"a","payload":${'['.repeat(101)}${']'.repeat(101)}}`, '', 'nested'],
    ['nesting of a million', `{"task_type":"a","payload":${'['.repeat(1e6)}${']'.repeat(1e6)}}`, '', 'nested'],
    ['__proto__', '{"task_type":"a","payload":{"__proto__":{"x":1}}}', '', '__proto__'],
    ['escaped __proto__', '{"task_type":"a","payload":{"\\u005f_proto__":{"x":1}}}', '', '__proto__'],
    [
      'constructor.prototype',
      '{"task_type":"a","payload":{"constructor":{"prototype":{}}}}',
      '',
      'constructor.prototype',
    ],
  ])('%s', async (_what, body, pointer, sentence) => {
    const { call } = await startNode()
    const answer = await call('POST', '/api/tasks', body)
    expect(answer.status).toBe(422)
    expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8')
    expect(answer.text).toContain(JSON.stringify(sentence).slice(1, -1))
    if (pointer !== null && pointer !== '') expect(answer.body.errors).toMatchObject([{ pointer }])
    expect((await call('GET', '/api/tasks')).body.tasks).toEqual([])
  })

  it('lists every fault of a body, at most twenty', async () => {
    const { call } = await startNode()
    const two = await call('POST', '/api/tasks', { task_type: 'a b', priority: 11 })
    expect(two.body.errors).toHaveLength(2)
    expect(two.body.detail).toMatch(/; 1 more fault is listed in errors\.$/)
    const many = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`field${at}`, 1]))
    expect((await call('POST', '/api/tasks', many)).body.errors).toHaveLength(20)
  })

  it('keeps a refusal of a huge wrong body short', async () => {
    const { call } = await startNode()
    const dependencies = Array.from({ length: 200_000 }, () => 1)
    const answer = await call('POST', '/api/tasks', { task_type: 'a', dependencies })
    expect(answer.status).toBe(422)
    expect(answer.text.length).toBeLessThan(2_000)
  })
})

describe('what a submit refuses for its size or form', () => {
  it('a payload above 1 MiB, by name', async () => {
    const { call } = await startNode()
    const answer = await call('POST', '/api/tasks', { task_type: 'a', payload: 'x'.repeat(limits.payloadBytesMax) })
    expect(answer).toMatchObject({ status: 413, body: { code: 'payload_too_large' } })
    expect(answer.body.errors).toMatchObject([{ pointer: '/payload' }])
    const fits = await call('POST', '/api/tasks', { task_type: 'a', payload: 'x'.repeat(limits.payloadBytesMax - 2) })
    expect(fits.status).toBe(201)
  })

  it('counts a payload in bytes of UTF-8, not in characters', async () => {
    const { call } = await startNode()
    const answer = await call('POST', '/api/tasks', { task_type: 'a', payload: '€'.repeat(limits.payloadBytesMax / 3) })
    expect(answer.status).toBe(413)
  })

  it('a body above 16 MiB', async () => {
    const { call } = await startNode()
    const answer = await call('POST', '/api/tasks', Buffer.alloc(limits.bodyBytesMax + 1, 0x20))
    expect(answer).toMatchObject({ status: 413, body: { code: 'payload_too_large' } })
  })

  it.each([
    ['broken JSON', '{"task_type":'],
    ['a trailing comma', '{"task_type":"a",}'],
    ['NaN', '{"task_type":"a","priority":NaN}'],
    ['a byte order mark', '\ufeff{"task_type":"a"}'],
    ['nothing but blanks', '  '],
    ['invalid UTF-8', Buffer.from([0x22, 0xc3, 0x28, 0x22])],
    ['an encoded surrogate', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
  ])('%s, with 400', async (_what, body) => {
    const { call } = await startNode()
    expect(await call('POST', '/api/tasks', body)).toMatchObject({ status: 400, body: { code: 'json_invalid' } })
  })

  it.each([
    ['text/plain', { 'content-type': 'text/plain' }],
    ['a form', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['something like JSON', { 'content-type': 'application/vnd.x+json' }],
    ['no media type at all', { 'content-type': 'nonsense' }],
    ['Latin-1', { 'content-type': 'application/json; charset=latin1' }],
    ['compressed JSON', { 'content-type': 'application/json', 'content-encoding': 'gzip' }],
  ])('%s, with 415', async (_what, headers) => {
    const { call } = await startNode()
    const answer = await call('POST', '/api/tasks', '{"task_type":"a"}', headers)
    expect(answer).toMatchObject({ status: 415, body: { code: 'media_type_unsupported' } })
  })

  it('a body without a content type, with 415', async () => {
    const { app } = await startNode()
    const reply = await app.inject({ method: 'POST', url: '/api/tasks', payload: Buffer.from('{}') })
    expect(reply.statusCode).toBe(415)
  })

  it('takes an empty body as {}, whatever it calls itself', async () => {
    const { app, call } = await startNode()
    const bare = await call('POST', '/api/tasks')
    expect(bare).toMatchObject({ status: 422, body: { errors: [{ pointer: '/task_type' }] } })
    for (const type of ['application/json', 'text/plain']) {
      const reply = await app.inject({
        method: 'POST',
        url: '/api/tasks',
        headers: { 'content-type': type, 'content-length': '0' },
      })
      expect(reply.statusCode).toBe(422)
    }
  })

  it('takes UTF-8 named as such', async () => {
    const { call } = await startNode()
    const headers = { 'content-type': 'application/json; charset=UTF-8' }
    expect((await call('POST', '/api/tasks', '{"task_type":"a"}', headers)).status).toBe(201)
  })
})

import type { ProblemCode } from '@tasklane/protocol'
import type { QueryParameter, Route } from '../support/document.ts'
import type { Example } from '../support/examples.ts'
import {
  type BadCase,
  type Expected,
  type InputClass,
  isDialect,
  pathOf,
  refused,
  requestOf,
  served,
} from './input-class.ts'

/** Paths, queries, methods and headers. */
export const addressClasses: readonly InputClass[] = [
  {
    name: 'a query parameter that is not known',
    cases: (route, [example]) => {
      const queries = [
        'surprise=1',
        '__proto__=1',
        'constructor=1',
        'a[__proto__][x]=1',
        'toString=',
        '=1',
        '%20=1',
        '%0a=1',
        `${'x'.repeat(10_000)}=1`,
      ]
      return queries.map(query => caseOfQuery(route, example, query, hasQuery(route) ? 'validation_failed' : null))
    },
  },
  {
    name: 'a query that is no percent-encoding of UTF-8',
    cases: (route, [example]) =>
      ['%zz=1', 'a=%', 'a=%ff', 'a=%ed%a0%80'].map(query =>
        caseOfQuery(route, example, query, hasQuery(route) || route.query.length > 0 ? 'request_invalid' : null),
      ),
  },
  {
    name: 'a query parameter sent twice or as a list',
    cases: (route, [example]) =>
      route.query.flatMap(({ name }) => [
        caseOfQuery(route, example, `${name}=1&${name}=2`, 'validation_failed'),
        ...[
          `%0d%0a${name}=1&%0d%0a${name}=2`,
          `${'x'.repeat(5_000)}=1&${'x'.repeat(5_000)}=1`,
          `${name}[]=1`,
          `${name}[0]=1`,
          `${name}[x]=1`,
        ].map(query => caseOfQuery(route, example, query, hasQuery(route) ? 'validation_failed' : null)),
      ]),
  },
  {
    name: 'a query parameter that is no number of its range',
    cases: (route, [example]) =>
      route.query
        .filter(isNumeric)
        .flatMap(parameter =>
          numbersOutside(parameter).map(text =>
            caseOfQuery(route, example, `${parameter.name}=${encodeURIComponent(text)}`, 'validation_failed'),
          ),
        ),
  },
  {
    name: 'SQL and wildcards in a query parameter',
    cases: (route, [example]) =>
      route.query
        .filter(parameter => !isNumeric(parameter))
        .flatMap(({ name }) =>
          hostileTexts.map(text => ({
            name: `${name}=${text}`,
            request: () => requestOf(route, bare(example), { path: pathOf(bare(example), { [name]: text }) }),
            // Names of queues and the like are compared as they are; words and cursors are refused.
            expected: { codes: ['validation_failed', 'cursor_invalid'], isServed: true },
          })),
        ),
  },
  {
    name: 'a query parameter of 10,000 characters, or with U+0000',
    cases: (route, [example]) =>
      route.query.flatMap(({ name }) =>
        ['x'.repeat(10_000), 'a%00b'].map(text => caseOfQuery(route, example, `${name}=${text}`, 'validation_failed')),
      ),
  },
  {
    name: 'a name in the path that is none',
    cases: (route, [example]) => {
      const at = placeOfName(route, example)
      if (example === undefined || at === null) return []
      return pathNames.map(([name, codes]) => ({
        name: name.length > 60 ? `${name.slice(0, 20)}… (${name.length})` : name,
        request: () => requestOf(route, example, { path: pathOf({ ...example, path: at(name) }) }),
        expected: codes === null ? unknownName(route) : refused(...codes),
      }))
    },
  },
  {
    name: 'a method that the path does not take',
    cases: (route, [example]) =>
      example === undefined
        ? []
        : ['PUT', 'TRACE', 'PROPFIND', 'LOCK']
            .filter(method => method !== route.method)
            .map(method => ({
              name: method,
              request: () => ({ method, path: example.path }),
              expected: refused('method_not_allowed', 'not_found'),
            })),
  },
  {
    name: 'a path beside the right one',
    cases: (route, [example]) => {
      if (example === undefined) return []
      const path = example.path
      const paths = [
        `${path}//`,
        `/${path}`,
        path.toUpperCase(),
        `${path};a=1`,
        `${path}%20`,
        `${path}%2f`,
        `${path}/x/y`,
      ]
      return paths
        .filter(each => each !== path)
        .map(each => ({
          name: each,
          request: () => requestOf(route, example, { path: each }),
          expected: unknownPath(route),
        }))
    },
  },
  {
    name: 'an Idempotency-Key that is none',
    cases: (route, [example]) => {
      if (example === undefined || !takesKeys.has(route.operationId)) return []
      const keys = ['', '""', '"open', 'two words', 'a,b', '"a", "b"', 'é', 'x'.repeat(257), '"\\x"']
      return keys.map(key => ({
        name: key.slice(0, 20),
        request: () => requestOf(route, example, { headers: { 'idempotency-key': key } }),
        expected: refused('validation_failed'),
      }))
    },
  },
  {
    name: 'headers that a careless reader believes',
    cases: (route, [example]) => {
      if (example === undefined) return []
      const headers = {
        'x-http-method-override': 'DELETE',
        'x-original-url': '/api/tasks/bulk',
        'x-request-id': 'a b"\u00e9',
        traceparent: 'ff-nonsense',
        cookie: '__proto__=1; constructor=2',
        accept: 'application/xml',
        range: 'bytes=0-0',
        'if-none-match': '*',
      }
      // Who comes by a proxy, or from another page, is no caller of an open node, except to hear whether it is well.
      const isHealth = ['live', 'ready', 'health'].includes(route.operationId)
      const foreign = (name: string, value: string, code: ProblemCode) => ({
        name,
        request: () => requestOf(route, example, { headers: { ...headers, [name]: value } }),
        expected: isHealth ? served : refused(code),
      })
      return [
        { name: 'all of them', request: () => requestOf(route, example, { headers }), expected: served },
        foreign('x-forwarded-for', '127.0.0.1, ::1', 'forwarded_not_trusted'),
        foreign('x-forwarded-host', 'evil.example', 'forwarded_not_trusted'),
        foreign('origin', 'null', 'origin_not_allowed'),
      ]
    },
  },
]

const takesKeys: ReadonlySet<string> = new Set([
  'submit',
  'submitMany',
  'numberedSubmit',
  'arithmeticAdd',
  'arithmeticMultiply',
  'arithmeticUpperCase',
  'pullAddTask',
])

const hostileTexts = [
  "' OR 1=1--",
  "'; DROP TABLE tasks;--",
  '" OR ""="',
  '1) UNION SELECT * FROM tasks--',
  '%',
  '_',
  '%%%_%%%',
  '*',
  '\\',
  '$where',
  '{"$gt":""}',
  '(a+)+$',
  '[a-',
  "pending' OR '1'='1",
  'a:b:c',
  ':',
  ',',
  'constructor',
  '__proto__',
  '\u202e',
  '😀',
]

/** Null: a name like any other, which names nothing. */
const pathNames: readonly (readonly [name: string, codes: readonly ProblemCode[] | null])[] = [
  ['%2e%2e', null],
  ['%2e%2e%2f%2e%2e%2fetc%2fpasswd', null],
  ['..%2f..', null],
  ['%00', null],
  ['a%00b', null],
  ['%0d%0aX-Evil:%201', null],
  ['%1b%5b31m', null],
  ['constructor', null],
  ['__proto__', null],
  ['toString', null],
  ["'%20OR%201=1--", null],
  ['%25', null],
  ['%F0%9F%98%80', null],
  ['x'.repeat(129), null],
  ['x'.repeat(10_000), ['not_found']],
  ['%zz', ['request_invalid']],
  ['%ff', ['request_invalid']],
  ['%', ['request_invalid']],
  ['%ed%a0%80', ['request_invalid']],
]

/** Where the name stands in the path; null where the path has none. */
function placeOfName(route: Route, example: Example | undefined): ((name: string) => string) | null {
  const index = route.path.split('/').findIndex(part => part.startsWith('{'))
  if (index === -1 || example === undefined) return null
  return name => example.path.split('/').with(index, name).join('/')
}

/** Every call in the name of a worker makes it known. */
function isPullWorker(route: Route): boolean {
  return isDialect(route) && route.path.endsWith('/{worker_id}')
}

/** A settle and log lines of nobody are told apart one by one; a queue is made by naming it. */
function unknownName(route: Route): Expected {
  const { operationId } = route
  if (operationId === 'settle' || operationId === 'appendLogs') return served
  // Celery has any id that it does not know for pending.
  if (operationId === 'arithmeticStatus') return served
  if (operationId === 'setQueue' || isPullWorker(route)) return { codes: ['validation_failed'], isServed: true }
  return refused(...unknownCodes)
}

const unknownCodes: readonly ProblemCode[] = [
  'task_unknown',
  'worker_unknown',
  'queue_unknown',
  'user_unknown',
  'token_unknown',
  'alert_unknown',
  'alert_rule_unknown',
  'alert_channel_unknown',
]

function unknownPath(route: Route): Expected {
  const codes: readonly ProblemCode[] = ['not_found', ...unknownCodes, 'method_not_allowed']
  // `q%2f` is the name of another queue; `q;a=1` and `q%20` are names too, and no good ones.
  return route.operationId === 'setQueue' || route.operationId === 'arithmeticStatus' || isPullWorker(route)
    ? { codes: [...codes, 'validation_failed'], isServed: true }
    : refused(...codes)
}

function caseOfQuery(route: Route, given: Example | undefined, query: string, code: ProblemCode | null): BadCase {
  const example = bare(given)
  return {
    name: query.slice(0, 60),
    request: () => requestOf(route, example, { path: `${example.path}?${query}` }),
    expected: code === null ? served : refused(code),
  }
}

function bare(example: Example | undefined): Example {
  if (example === undefined) throw new Error('The call has no example.')
  const { query: _, ...rest } = example
  return rest
}

/** Calls of the API refuse what they do not know; probes of health and dialects may carry anything. */
function hasQuery(route: Route): boolean {
  return route.path.startsWith('/api')
}

function isNumeric({ schema }: QueryParameter): boolean {
  return schema.type === 'integer' || schema.type === 'number'
}

function numbersOutside({ schema }: QueryParameter): readonly string[] {
  const { minimum, maximum, type } = schema
  const wrong = ['NaN', 'Infinity', '', ' ', '1e2', '0x10', '+1', '1,5', '٥', '9007199254740993', 'true', "1'--", '١']
  return [
    ...wrong,
    ...(minimum === undefined ? [] : [String(minimum - 1), '-1000000000']),
    ...(maximum === undefined ? [] : ['1000000000000000000000', ...(maximum < 1e9 ? ['1000000000'] : [])]),
    ...(type === 'integer' ? ['1.5', '0.1'] : []),
  ]
}

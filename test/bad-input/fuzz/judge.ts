import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import type { Reply, Sent } from '../support/client.ts'
import type { Document, Route } from '../support/document.ts'
import { problemFault } from '../support/problem-fault.ts'

/** Any call may be refused so, whatever its document names. */
const commonStatuses: ReadonlySet<number> = new Set([400, 404, 405, 408, 413, 414, 415, 422, 431, 503])

/** What is wrong with this answer to this request, or null. */
export type Judge = (operationId: string, request: Sent, reply: Reply) => string | null

export function createJudge(document: Document): Judge {
  const ajv = new Ajv2020({ strict: false, allErrors: false })
  ajv.addFormat('date-time', text => !Number.isNaN(Date.parse(text)) && /^\d{4}-\d{2}-\d{2}T.*Z$/.test(text))
  const routes = new Map(document.routes.map(route => [route.operationId, route]))
  const checks = new Map<string, ValidateFunction>()
  const checkOf = (route: Route, status: number): ValidateFunction | null => {
    const schema = route.replies.get(status)
    if (schema === undefined || schema === null) return null
    const key = `${route.operationId} ${status}`
    const check = checks.get(key) ?? ajv.compile(schema)
    checks.set(key, check)
    return check
  }
  return (operationId, request, reply) => {
    const route = routes.get(operationId)
    if (route === undefined) return `the document does not name ${operationId}`
    const isItsMethod = request.method === route.method
    // A HEAD is answered as the GET of its path is.
    const method = request.method === 'HEAD' ? 'GET' : request.method
    const asked = document.routes.find(other => other.path === route.path && other.method === method)
    const isNamed = asked?.replies.has(reply.status) === true
    if (!isNamed && !isAllowedBeside(request, reply)) return `status ${reply.status} is not in the document`
    if (reply.status >= 500 && reply.status !== 503) return `status ${reply.status} is a fault of the scheduler`
    // A HEAD has the headers of a body that does not come.
    if (reply.status >= 400 && request.method !== 'HEAD' && !(reply.status === 503 && operationId === 'health')) {
      const fault = problemFault(reply)
      if (fault !== null) return `the refusal is no problem document: ${fault}`
    }
    if (reply.status >= 300 || !isItsMethod) return null
    const check = checkOf(route, reply.status)
    if (check === null || check(reply.body)) return null
    const [error] = check.errors ?? []
    return `the body of ${reply.status} does not fit the document: ${error?.instancePath} ${error?.message}`
  }
}

function isAllowedBeside({ method }: Sent, { status }: Reply): boolean {
  if (commonStatuses.has(status)) return true
  return method === 'OPTIONS' && status === 204
}

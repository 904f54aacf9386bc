import helmet from '@fastify/helmet'
import type { FastifyInstance } from 'fastify'

export interface PageHeaders {
  /** HTTPS ends here, so browsers are told to stay with it. */
  readonly hasTls: boolean
  /** Pages that bring a policy of their own, such as /docs, keep it. */
  readonly hasOwnPolicy?: boolean
}

/**
 * The headers of pages, for a scope of their own: no script or style but files of ours, no frame around them, nothing
 * sent elsewhere. Not for the whole app: these are two hooks and a dozen headers, and replies of the API are no pages.
 */
export async function addPageHeaders(scope: FastifyInstance, { hasTls, hasOwnPolicy }: PageHeaders): Promise<void> {
  await scope.register(helmet, {
    contentSecurityPolicy: hasOwnPolicy === true ? false : { useDefaults: false, directives: policy },
    strictTransportSecurity: hasTls ? { maxAge: 31_536_000, includeSubDomains: false } : false,
    referrerPolicy: { policy: 'same-origin' },
    xFrameOptions: { action: 'deny' },
    crossOriginOpenerPolicy: { policy: 'same-origin' },
    crossOriginResourcePolicy: { policy: 'same-origin' },
    xXssProtection: false,
  })
}

const self = ["'self'"]

const policy = {
  defaultSrc: self,
  baseUri: ["'none'"],
  connectSrc: self,
  fontSrc: self,
  formAction: self,
  frameAncestors: ["'none'"],
  imgSrc: ["'self'", 'data:'],
  objectSrc: ["'none'"],
  scriptSrc: self,
  scriptSrcAttr: ["'none'"],
  styleSrc: self,
  workerSrc: self,
  manifestSrc: self,
} as const satisfies Readonly<Record<string, readonly string[]>>

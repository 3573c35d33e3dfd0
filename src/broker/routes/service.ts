import { z } from 'zod'
import type { Clock, Metrics } from '../../lib/index.ts'
import type { Publisher } from '../../rdpfile/index.ts'
import type { Store } from '../../store/index.ts'
import { type TrustedIssuer, x5tS256Of } from '../../tokens/index.ts'
import { ApiError } from '../errors.ts'
import type { Signer } from '../issuers.ts'
import { defineRoute, type Route } from '../route.ts'
import { keySet } from '../schemas.ts'
import { assertPublisherValid } from '../sign-file.ts'
import type { TrustKeeper } from '../trust-keeper.ts'

export interface ServiceOptions {
  store: Store
  signer: Signer
  publisher: Publisher | undefined
  trust: TrustKeeper
  metrics: Metrics
  clock: Clock
  /** The OpenAPI document; a function, since it lists these routes as well. */
  openApi: () => unknown
}

/** What the broker says of itself: its keys, its health, its description. */
export function serviceRoutes(options: ServiceOptions): Route[] {
  const { store, signer, publisher, trust, metrics, clock, openApi } = options
  const status = z.object({ status: z.literal('ok') })
  const ok = {
    '200': { description: 'It is.', content: { 'application/json': { schema: status } } },
  }
  return [
    defineRoute({
      method: 'get',
      path: '/.well-known/jwks.json',
      operationId: 'getKeySet',
      summary: 'Public keys of the issuers',
      access: 'public',
      answers: {
        '200': { description: 'The keys.', content: { 'application/json': { schema: keySet } } },
      },
      async handle() {
        const issuers = (await trust.list()).issuers.filter(({ purpose }) => purpose === 'gateway')
        return {
          status: 200,
          headers: { 'Cache-Control': 'public, max-age=300' },
          body: { keys: issuers.map(renderKey) },
        }
      },
    }),
    defineRoute({
      method: 'get',
      path: '/v1/openapi.json',
      operationId: 'getOpenApi',
      summary: 'This document',
      access: 'public',
      answers: {
        '200': {
          description: 'OpenAPI 3.1.',
          content: { 'application/json': { schema: z.looseObject({ openapi: z.string() }) } },
        },
      },
      handle: () => ({ status: 200, body: openApi() }),
    }),
    defineRoute({
      method: 'get',
      path: '/metrics',
      operationId: 'getMetrics',
      summary: 'Metrics for Prometheus',
      access: 'service.read',
      answers: {
        '200': {
          description: 'In the text format 0.0.4.',
          content: { 'text/plain': { schema: z.string() } },
        },
      },
      async handle() {
        return {
          status: 200,
          headers: { 'Content-Type': metrics.contentType, 'Cache-Control': 'no-store' },
          body: await metrics.render(),
        }
      },
    }),
    defineRoute({
      method: 'get',
      path: '/healthz',
      operationId: 'getHealth',
      summary: 'Whether the process is alive',
      access: 'public',
      answers: ok,
      handle: () => ({ status: 200, body: { status: 'ok' } }),
    }),
    defineRoute({
      method: 'get',
      path: '/readyz',
      operationId: 'getReadiness',
      summary:
        'Whether it can mint: the store answers and the certificates it signs with are valid',
      access: 'public',
      answers: ok,
      async handle() {
        await store.check()
        const { notBefore, notAfter } = signer.current.certificate
        if (clock.now() < notBefore.getTime() || clock.now() > notAfter.getTime()) {
          throw new ApiError('unavailable', 'The issuer certificate is not valid now.')
        }
        if (publisher !== undefined) assertPublisherValid(publisher, clock)
        return { status: 200, body: { status: 'ok' } }
      },
    }),
  ]
}

/** JSON Web Key, RFC 7517 section 4; no `kid`, since tokens name the issuer by `x5t#S256`. */
function renderKey({ certificate, algorithms: [alg] }: TrustedIssuer) {
  return {
    ...certificate.publicKey.export({ format: 'jwk' }),
    use: 'sig',
    alg,
    'x5t#S256': x5tS256Of(certificate),
    x5c: [Buffer.from(certificate.der).toString('base64')],
  }
}

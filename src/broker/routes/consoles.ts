import { z } from 'zod'
import type { Clock } from '../../lib/index.ts'
import type { Grant } from '../../store/index.ts'
import type { Consoles } from '../consoles.ts'
import { ApiError } from '../errors.ts'
import { createRepeats } from '../idempotency.ts'
import type { OpenedConsole } from '../mint-console.ts'
import { type Caller, tenantsFor } from '../rights.ts'
import { type Answer, defineRoute, type Route } from '../route.ts'
import { type ConsoleBody, consoleBody, consoleShape, openedConsole } from '../schemas.ts'

export const RDP_MEDIA_TYPE = 'application/x-rdp'

/** Tokens are in these answers: no cache may keep them. */
const NO_STORE = { 'Cache-Control': 'no-store' }

const idempotencyHeader = z.object({
  'Idempotency-Key': z.string().max(255).optional().meta({
    description:
      'The same request again has the same answer, as long as the token lives; with another body it is 409.',
  }),
})

export interface ConsoleRouteOptions {
  consoles: Consoles
  gatewayAddress: string
  clock: Clock
}

export function consoleRoutes({ consoles, gatewayAddress, clock }: ConsoleRouteOptions): Route[] {
  const repeats = createRepeats<OpenedConsole>(clock, ({ grant }) => grant.expiresAtMs)
  return [
    defineRoute({
      method: 'post',
      path: '/v1/consoles',
      operationId: 'openConsole',
      summary: 'Mint a token for one console session and get the file that carries it',
      access: 'console.mint',
      recordsItself: true,
      header: idempotencyHeader,
      body: consoleBody,
      answers: {
        '201': {
          description: 'The parts as JSON, or the file itself to `Accept: application/x-rdp`.',
          content: {
            'application/json': { schema: openedConsole },
            [RDP_MEDIA_TYPE]: { schema: { type: 'string', format: 'binary' } },
          },
        },
      },
      async handle({ body, caller, idempotencyKey: key, remoteAddress, prefer }) {
        const { vm, tenant, ttlSeconds, clientAddress, tokenFormat } = body
        const user = subjectOf(caller, body)
        const wanted = {
          vm,
          clientAddress: clientAddress ?? remoteAddress,
          askedBy: caller.name,
          tenants: tenantsFor(caller, 'console.mint'),
          ...(tenant === undefined ? {} : { tenant }),
          ...(user === undefined ? {} : { user }),
          ...(ttlSeconds === undefined ? {} : { ttlSeconds }),
          ...(clientAddress === undefined ? {} : { boundTo: clientAddress }),
          ...(tokenFormat === undefined ? {} : { tokenFormat }),
        }
        const opened = await repeats.once({ caller: caller.name, key, body }, () =>
          consoles.open(wanted),
        )
        const wantsFile = prefer('application/json', RDP_MEDIA_TYPE) === RDP_MEDIA_TYPE
        const answer = wantsFile ? fileAnswer(opened) : jsonAnswer(opened)
        const { askedBy } = wanted
        const fetched = () =>
          consoles.fetched(opened.grant, { askedBy, clientAddress: remoteAddress })
        return { ...answer, sent: fetched }
      },
    }),
    defineRoute({
      method: 'get',
      path: '/v1/consoles/{id}',
      operationId: 'getConsole',
      summary: 'What a console was minted for; never its token',
      access: 'console.read',
      answers: {
        '200': {
          description: 'The console.',
          content: { 'application/json': { schema: consoleShape } },
        },
      },
      async handle({ id, caller }) {
        const grant = await consoles.get(id, tenantsFor(caller, 'console.read'))
        return { status: 200, headers: NO_STORE, body: render(grant, gatewayAddress) }
      },
    }),
    defineRoute({
      method: 'delete',
      path: '/v1/consoles/{id}',
      operationId: 'revokeConsole',
      summary: 'Revoke a console and end its live sessions; again is no error',
      access: 'console.revoke',
      answers: { '204': { description: 'It is revoked.' } },
      async handle({ id, caller }) {
        await consoles.revoke(id, caller.name)
        return { status: 204 }
      },
    }),
  ]
}

/** What a panel says of its users, and they may not say of themselves. */
const OF_PANELS = ['user', 'clientAddress', 'tokenFormat'] as const

/**
 * A signed-in user opens consoles as themselves; who may for all tenants may name another, as a key does.
 *
 * @throws ApiError `forbidden` naming the field
 */
function subjectOf(caller: Caller, body: ConsoleBody): string | undefined {
  if (caller.user === undefined) return body.user
  if (tenantsFor(caller, 'console.mint') === undefined) return body.user ?? caller.user
  const field = OF_PANELS.find((name) => body[name] !== undefined)
  if (field === undefined) return caller.user
  throw new ApiError('forbidden', `${field}: not for a tenant's user to say.`)
}

function fileAnswer({ grant, rdp }: OpenedConsole): Answer {
  return {
    status: 201,
    body: rdp,
    headers: {
      ...NO_STORE,
      'Content-Type': RDP_MEDIA_TYPE,
      'Content-Disposition': `attachment; filename="${grant.fileName}"`,
      Location: `/v1/consoles/${grant.id}`,
    },
  }
}

function jsonAnswer({
  grant,
  gatewayToken,
  hostToken,
  gatewayAddress,
  rdp,
}: OpenedConsole): Answer {
  const { id, ref, jti, vm, fileName } = grant
  return {
    status: 201,
    headers: { ...NO_STORE, Location: `/v1/consoles/${id}` },
    body: {
      id,
      ref,
      jti,
      vm,
      expiresAt: toTimestamp(grant.expiresAtMs),
      gatewayAddress,
      gatewayToken: gatewayToken.reveal(),
      ...(hostToken === undefined ? {} : { hostToken: hostToken.reveal() }),
      fileName,
      rdp: Buffer.from(rdp).toString('base64'),
    },
  }
}

function render(grant: Grant, gatewayAddress: string) {
  const { id, ref, jti, vm, tenant, user, fileName, createdAtMs, expiresAtMs, revokedAtMs } = grant
  return {
    id,
    ref,
    jti,
    vm,
    tenant,
    user,
    createdAt: toTimestamp(createdAtMs),
    expiresAt: toTimestamp(expiresAtMs),
    ...(revokedAtMs === undefined ? {} : { revokedAt: toTimestamp(revokedAtMs) }),
    gatewayAddress,
    fileName,
  }
}

function toTimestamp(timeMs: number): string {
  return new Date(timeMs).toISOString()
}

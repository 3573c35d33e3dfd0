import type { ApiKey } from '../../store/index.ts'
import { createdKey, keyBody, keyId, keyShape } from '../key-schemas.ts'
import type { Keys } from '../keys.ts'
import { pageQuery, readPage } from '../paging.ts'
import { defineRoute, type Route } from '../route.ts'
import { listOf } from '../schemas.ts'

/** Keys of the API: made, seen, revoked. Their text is in one answer, and nowhere else. */
export function keyRoutes(keys: Keys): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/v1/keys',
      operationId: 'listKeys',
      summary: 'All keys, also revoked ones, in the order of ids; never their text',
      access: 'trust.read',
      answers: {
        '200': {
          description: 'The keys.',
          content: { 'application/json': { schema: listOf(keyShape) } },
        },
      },
      query: pageQuery,
      async handle({ query }) {
        const { items, ...next } = await readPage(query, (page) => keys.list(page))
        return { status: 200, body: { items: items.map(render), ...next } }
      },
    }),
    defineRoute({
      method: 'get',
      path: '/v1/keys/{id}',
      id: keyId,
      operationId: 'getKey',
      summary: 'One key',
      access: 'trust.read',
      answers: {
        '200': { description: 'The key.', content: { 'application/json': { schema: keyShape } } },
      },
      async handle({ id }) {
        return { status: 200, body: render(await keys.get(id)) }
      },
    }),
    defineRoute({
      method: 'post',
      path: '/v1/keys',
      operationId: 'createKey',
      summary: 'Make a key',
      access: 'trust.write',
      body: keyBody,
      answers: {
        '201': {
          description: 'The key; its text is shown only now.',
          content: { 'application/json': { schema: createdKey } },
        },
      },
      async handle({ body, caller }) {
        const { id, label, roles, tenants, expiresAt } = body
        const { record, key } = await keys.create(
          {
            ...{ id, roles },
            ...(label === undefined ? {} : { label }),
            ...(tenants === undefined ? {} : { tenants }),
            ...(expiresAt === undefined ? {} : { expiresAtMs: Date.parse(expiresAt) }),
          },
          caller.name,
        )
        return {
          status: 201,
          headers: { 'Cache-Control': 'no-store', Location: `/v1/keys/${id}` },
          body: { ...render(record), key: key.reveal() },
        }
      },
    }),
    defineRoute({
      method: 'delete',
      path: '/v1/keys/{id}',
      id: keyId,
      operationId: 'revokeKey',
      summary: 'Revoke a key; again is no error. It stays in the list',
      access: 'trust.write',
      answers: { '204': { description: 'It opens nothing any more.' } },
      async handle({ id, caller }) {
        await keys.revoke(id, caller.name)
        return { status: 204 }
      },
    }),
  ]
}

function render(key: ApiKey) {
  const { id, label, roles, tenants, createdAtMs, expiresAtMs, lastUsedAtMs, revokedAtMs } = key
  return {
    ...{ id, label, roles },
    ...(tenants.length === 0 ? {} : { tenants }),
    createdAt: toTimestamp(createdAtMs),
    ...(expiresAtMs === undefined ? {} : { expiresAt: toTimestamp(expiresAtMs) }),
    ...(lastUsedAtMs === undefined ? {} : { lastUsedAt: toTimestamp(lastUsedAtMs) }),
    ...(revokedAtMs === undefined ? {} : { revokedAt: toTimestamp(revokedAtMs) }),
  }
}

function toTimestamp(timeMs: number): string {
  return new Date(timeMs).toISOString()
}

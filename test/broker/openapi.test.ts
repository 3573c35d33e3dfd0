import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestBroker, type TestBroker } from './support.ts'

interface Operation {
  operationId: string
  security: unknown[]
  parameters?: Array<{ name: string; in: string; required?: boolean }>
  requestBody?: { content: Record<string, unknown> }
  responses: Record<string, { content?: Record<string, unknown> }>
}

let api: TestBroker
let document: {
  openapi: string
  paths: Record<string, Record<string, Operation>>
  components: {
    schemas: Record<string, Record<string, unknown>>
    securitySchemes: Record<string, unknown>
  }
}

beforeAll(async () => {
  api = await createTestBroker()
  document = (await api.anonymous.get('/v1/openapi.json').expect(200)).body
})
afterAll(() => api.close())

const operations = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  )

test('lists every route that there is', () => {
  expect(document.openapi).toBe('3.1.0')
  expect(
    operations()
      .map(({ path, method }) => `${method} ${path}`)
      .sort(),
  ).toEqual([
    'delete /v1/consoles/{id}',
    'delete /v1/hosts/{id}',
    'delete /v1/issuers/rotation',
    'delete /v1/issuers/verifiers/{id}',
    'delete /v1/issuers/{id}',
    'delete /v1/keys/{id}',
    'delete /v1/nodes/{id}/drain',
    'delete /v1/sessions/{id}',
    'delete /v1/tenants/{id}',
    'delete /v1/users/{id}',
    'delete /v1/vms/{id}',
    'get /.well-known/jwks.json',
    'get /healthz',
    'get /metrics',
    'get /readyz',
    'get /v1/audit',
    'get /v1/audit/checkpoints',
    'get /v1/consoles/{id}',
    'get /v1/events',
    'get /v1/hosts',
    'get /v1/hosts/{id}',
    'get /v1/issuers',
    'get /v1/keys',
    'get /v1/keys/{id}',
    'get /v1/nodes',
    'get /v1/nodes/{id}',
    'get /v1/openapi.json',
    'get /v1/policy/effective',
    'get /v1/policy/provider',
    'get /v1/policy/tenants/{id}',
    'get /v1/policy/vms/{id}',
    'get /v1/publisher',
    'get /v1/revocations',
    'get /v1/sessions',
    'get /v1/sessions/{id}',
    'get /v1/tenants',
    'get /v1/tenants/{id}',
    'get /v1/users',
    'get /v1/users/{id}',
    'get /v1/vms',
    'get /v1/vms/{id}',
    'get /v1/why/{id}',
    'post /v1/consoles',
    'post /v1/hosts/{id}/probe',
    'post /v1/import',
    'post /v1/issuers/rotation',
    'post /v1/keys',
    'post /v1/nodes/{id}/drain',
    'post /v1/revocations',
    'post /v1/sessions/{id}/message',
    'put /v1/hosts/{id}',
    'put /v1/hosts/{id}/console',
    'put /v1/issuers/verifiers/{id}',
    'put /v1/issuers/{id}',
    'put /v1/policy/provider',
    'put /v1/policy/tenants/{id}',
    'put /v1/policy/vms/{id}',
    'put /v1/tenants/{id}',
    'put /v1/users/{id}',
    'put /v1/vms/{id}',
  ])
})

test('every listed operation is routed, and says truly whether it needs a key', async () => {
  for (const [index, { path, method, operation }] of operations().entries()) {
    // Wrong keys are limited to 30 a minute; a new broker has seen none.
    if (index % 25 === 0) await api.restart()
    const url = path.replace('{id}', 'none')
    const { status, body } = await api.anonymous[method as 'get'](url)
    const code = operation.security.length > 0 ? 401 : 200
    expect({ path, method, status }).toEqual({ path, method, status: code })
    expect(body).toBeDefined()
  }
})

test('a key or a session of the portal opens what is not public', () => {
  const either = [{ bearer: [] }, { cookie: [] }]
  for (const { operation } of operations()) expect([[], either]).toContainEqual(operation.security)
  expect(document.components.securitySchemes).toMatchObject({
    bearer: { type: 'http', scheme: 'bearer' },
    cookie: { type: 'apiKey', in: 'cookie', name: '__Host-portcullis' },
  })
})

test('every reference in it leads somewhere, and no operation id is used twice', () => {
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(
    ([, target]) => target,
  )
  expect(references.length).toBeGreaterThan(10)
  for (const target of references) {
    const [, name = ''] = /^#\/components\/schemas\/(\w+)$/.exec(target ?? '') ?? []
    expect(document.components.schemas, target).toHaveProperty(name)
  }
  const ids = operations().map(({ operation }) => operation.operationId)
  expect(new Set(ids).size).toBe(ids.length)
})

test('path parameters, bodies and problems are described', () => {
  for (const { path, method, operation } of operations()) {
    const names = (operation.parameters ?? []).filter(({ in: place }) => place === 'path')
    expect(names.map(({ name }) => name)).toEqual(path.includes('{id}') ? ['id'] : [])
    const asksOnly = path === '/v1/hosts/{id}/probe'
    const takesBody = method === 'put' || (method === 'post' && !asksOnly)
    expect(operation.requestBody !== undefined).toBe(takesBody)
    expect(operation.responses.default?.content).toHaveProperty('application/problem+json')
  }
})

test('request bodies say that unknown fields are refused', () => {
  const names = [
    'Tenant',
    'Host',
    'HostConsole',
    'Vm',
    'User',
    'Console',
    'Policy',
    'Drain',
    'Import',
  ]
  for (const name of names.map((what) => `${what}Body`)) {
    expect(document.components.schemas[name]).toMatchObject({ additionalProperties: false })
  }
})

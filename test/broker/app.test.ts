import supertest from 'supertest'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createTestBroker, type TestBroker } from './support.ts'

let api: TestBroker

beforeEach(async () => {
  api = await createTestBroker()
})
afterEach(() => api.close())

describe('bodies', () => {
  const post = (type: string) => api.post('/v1/consoles').set('Content-Type', type)

  test('that are not JSON are 400', async () => {
    const { body } = await post('application/json').send('{"vm":').expect(400)
    expect(body).toMatchObject({ code: 'validation-failed', detail: 'The body is not JSON.' })
  })

  test.each(['7', '"vm"', 'null', '[]'])('that are not an object are 400: %s', async (text) => {
    const { body } = await post('application/json').send(text).expect(400)
    expect(body.code).toBe('validation-failed')
  })

  test('that are absent are 400', async () => {
    const { body } = await api.post('/v1/consoles').expect(400)
    expect(body.code).toBe('validation-failed')
  })

  test('of another media type are 415', async () => {
    await post('application/x-www-form-urlencoded').send('vm=web').expect(415)
    await post('text/plain').send('{"vm":"web"}').expect(415)
  })

  test('over the limit are 413', async () => {
    const { body } = await api.post('/v1/consoles', { vm: 'x'.repeat(20_000) }).expect(413)
    expect(body.code).toBe('limit-reached')
  })

  test('with very many unknown fields name the first few', async () => {
    const fields = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`f${index}`, 1]))
    const { body } = await api.post('/v1/consoles', fields).expect(400)
    expect(body.errors).toHaveLength(20)
  })

  test('cannot reach into prototypes', async () => {
    await post('application/json').send('{"vm":"web","__proto__":{"x":1}}').expect(400)
    await post('application/json').send('{"vm":"web","constructor":1}').expect(400)
  })
})

describe('failures', () => {
  test('of strangers fill the log with so many lines, none of them long, and take none from others', async () => {
    const ask = () => api.anonymous.get(`/${'x'.repeat(2_000)}`).expect(404)
    for (let asked = 0; asked < 1_020; asked += 20)
      await Promise.all(Array.from({ length: 20 }, ask))
    const lines = () => api.events('request.refused').filter(({ level }) => level === 'warn')
    expect(lines()).toHaveLength(1_000)
    expect(lines()[0]).toMatchObject({ path: expect.stringMatching(/^\/x{255}$/) })
    await api.get('/v1/vms/none').expect(404)
    expect(lines()).toHaveLength(1_001)
    api.clock.advance(1_000)
    await ask()
    expect(lines()).toHaveLength(1_002)
  }, 30_000)

  test('are problem+json with a reference that the log has as well', async () => {
    const { body, headers } = await api.get('/v1/vms/none').expect(404)
    expect(headers['content-type']).toBe('application/problem+json')
    expect(headers['cache-control']).toBe('no-store')
    expect(body).toEqual({
      type: 'urn:portcullis:problem:not-found',
      title: 'There is no such thing',
      status: 404,
      code: 'not-found',
      detail: 'There is no vm "none".',
      ref: expect.stringMatching(/^[0-9A-Z]{4}-[0-9A-Z]{4}$/),
    })
    expect(api.events('request.refused')).toEqual([expect.objectContaining({ ref: body.ref })])
  })

  test.each([
    ['/v1/sessions/s1', 'There is no session "s1".'],
    ['/v1/nodes/gw9', 'There is no node "gw9".'],
    ['/v1/keys/panel', 'There is no key "panel".'],
    ['/v1/consoles/c1', 'There is no console "c1".'],
    ['/v1/policy/tenants/none', 'There is no tenant "none".'],
    ['/v1/policy/effective?vm=none', 'There is no vm "none".'],
    ['/v1/hosts/a%20b', 'There is no record with the id "a b".'],
    [`/v1/hosts/${'x'.repeat(200)}`, `There is no record with the id "${'x'.repeat(128)}…".`],
  ])('say what is not there: %s', async (path, detail) => {
    const { body } = await api.get(path).expect(404)
    expect(body).toMatchObject({ code: 'not-found', detail })
  })

  test('are a page for a browser, and never an .rdp file', async () => {
    const browser = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'
    const page = await api.post('/v1/consoles', { vm: 'none' }).set('Accept', browser).expect(404)
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8')
    expect(page.text).toContain('There is no machine &quot;none&quot;.')
    expect(page.text).toMatch(/<strong>[0-9A-Z]{4}-[0-9A-Z]{4}<\/strong>/)

    const file = await api
      .post('/v1/consoles', { vm: 'none' })
      .set('Accept', 'application/x-rdp')
      .expect(404)
    expect(file.headers['content-type']).toBe('application/problem+json')
    expect(file.headers).not.toHaveProperty('content-disposition')
  })

  test.each(['application/json', 'application/json, text/html;q=0.5', '*/*', 'image/png'])(
    'are problem+json for Accept: %s',
    async (accept) => {
      const { headers } = await api.get('/v1/vms/none').set('Accept', accept).expect(404)
      expect(headers['content-type']).toBe('application/problem+json')
    },
  )

  test('of ours are 500 without the cause, which the log has', async () => {
    vi.spyOn(api.store.vms, 'list').mockRejectedValue(new TypeError('secret detail'))
    const { body, text } = await api.get('/v1/vms').expect(500)
    expect(body.code).toBe('internal-error')
    expect(text).not.toContain('secret detail')
    expect(api.events('request.failed')).toEqual([
      expect.objectContaining({ level: 'error', ref: body.ref, error: 'secret detail' }),
    ])
  })

  test('tell which methods an address takes', async () => {
    const { body, headers } = await api.post('/v1/vms/web', {}).expect(405)
    expect(headers.allow).toBe('GET, PUT, DELETE')
    expect(body.status).toBe(405)
    await api.anonymous.delete('/healthz').expect(405)
    await api.anonymous.options('/v1/consoles').expect(405)
  })

  test.each(['/', '/v1', '/v1/nothing', '/v1/vms/a/b', '/%zz', '/v1/vms/%zz'])(
    'are problems at unknown addresses too: %s',
    async (path) => {
      const { status, headers } = await api.get(path)
      expect([400, 404]).toContain(status)
      expect(headers['content-type']).toBe('application/problem+json')
    },
  )
})

describe('headers', () => {
  test('protect what a browser makes of an answer', async () => {
    const { headers } = await api.anonymous.get('/healthz').expect(200)
    expect(headers['x-content-type-options']).toBe('nosniff')
    expect(headers['content-security-policy']).toContain("default-src 'self'")
    expect(headers['strict-transport-security']).toMatch(/max-age=\d+/)
  })
})

describe('what is mounted after the API', () => {
  test('gets the paths that no route has', async () => {
    api.broker.app.use(async (ctx, next) => {
      if (ctx.path === '/') ctx.body = 'portal'
      else await next()
    })
    const site = supertest(api.broker.app.callback())
    await site.get('/').expect(200, 'portal')
    await site.get('/v1/vms').expect(401)
    await site.get('/else').expect(404)
  })
})

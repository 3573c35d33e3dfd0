import { expect, test } from 'vitest'
import { csrfOf, Visitor } from './visitor.ts'

test.each([
  '/v1/consoles',
  '/.well-known/jwks.json',
  '/healthz',
  '/readyz',
  '/nothing',
  '/assets/x',
])('leaves %s to the app around it', async (path) => {
  const response = await new Visitor().get(path)
  expect(response.status).toBe(418)
  expect(response.headers).not.toHaveProperty('content-security-policy')
})

const page = (path: string, headers: Record<string, string> = {}) =>
  new Visitor()
    .raw()
    .get(path)
    .set({ Accept: 'text/html,application/xhtml+xml,*/*;q=0.8', ...headers })

test.each(['/nope', '/assets/x', '/v1x'])(
  'a browser is told that there is no page %s',
  async (path) => {
    const response = await page(path)
    expect(response.status).toBe(404)
    expect(response.headers).toHaveProperty('content-security-policy')
    expect(response.text).toContain('There is nothing at this address.')
    expect(response.text).toContain('href="/">To the portal</a>')
    expect(response.text).toMatch(/<dd>[0-9A-Z]{4}-[0-9A-Z]{4}<\/dd>/)
  },
)

test('a browser at an address of the API is answered by the app around it', async () => {
  expect((await page('/v1/nope')).status).toBe(418)
  expect((await page('/nope', { Accept: 'application/json' })).status).toBe(418)
})

test('two portals share nothing', async () => {
  const [one, other] = [new Visitor(), new Visitor()]
  await one.signIn()
  const response = await other.raw().get('/').set('Cookie', one.cookieHeader)
  expect(response.headers.location).toBe('/sign-in')
  expect(csrfOf((await other.get('/sign-in')).text)).not.toBe('')
})

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

test('two portals share nothing', async () => {
  const [one, other] = [new Visitor(), new Visitor()]
  await one.signIn()
  const response = await other.raw().get('/').set('Cookie', one.cookieHeader)
  expect(response.headers.location).toBe('/sign-in')
  expect(csrfOf((await other.get('/sign-in')).text)).not.toBe('')
})

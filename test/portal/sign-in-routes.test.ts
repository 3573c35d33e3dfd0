import { expect, test } from 'vitest'
import { csrfOf, setCookies, Visitor } from './visitor.ts'

test('a visitor without a session is led to the sign-in page', async () => {
  const visitor = new Visitor()
  const home = await visitor.get('/')
  expect([home.status, home.headers.location]).toEqual([303, '/sign-in'])
  const page = await visitor.get('/sign-in')
  expect(page.status).toBe(200)
  expect(page.text).toContain('<label for="password">Password</label>')
})

test('the right password opens a session in a cookie that scripts and other hosts cannot touch', async () => {
  const visitor = new Visitor()
  const response = await visitor.signIn()
  expect([response.status, response.headers.location]).toEqual([303, '/'])
  expect(setCookies(response)).toEqual([
    '__Host-portcullis=session-token-number-1; path=/; samesite=lax; secure; httponly',
  ])
  expect((await visitor.get('/')).text).toContain('web-01')
  expect((await visitor.get('/sign-in')).headers.location).toBe('/')
})

test('the broker is given the address of the socket, whatever a header says', async () => {
  const visitor = new Visitor()
  const page = await visitor.get('/sign-in')
  const form = { csrf: csrfOf(page.text), user: ' alice ', password: 'open sesame' }
  await visitor.post('/sign-in', form, { 'X-Forwarded-For': '203.0.113.9' })
  expect(visitor.services.signIns).toHaveLength(1)
  const [signIn] = visitor.services.signIns
  expect(signIn?.remoteAddress).toMatch(/^(::ffff:)?127\.0\.0\.1$/)
  expect(signIn?.user).toBe('alice')
  expect(String(signIn?.password)).toBe('[secret]')
})

test('a wrong password is told with a reference, and the user name stays in the form', async () => {
  const visitor = new Visitor()
  const response = await visitor.signIn('"><b>', 'wrong')
  expect(response.status).toBe(401)
  expect(response.text).toContain('The user name or the password is not right.')
  expect(response.text).toContain('0000-WRNG')
  expect(response.text).toContain('value="&quot;&gt;&lt;b&gt;"')
  expect(response.text).toContain('role="alert"')
  expect(visitor.cookies.has('__Host-portcullis')).toBe(false)
})

test('too many failures are told with the time to wait', async () => {
  const visitor = new Visitor()
  visitor.services.signInResult = {
    ok: false,
    code: 'rate-limited',
    retryAfterSeconds: 300,
    ref: '7K3M-Q2XD',
  }
  const response = await visitor.signIn()
  expect(response.status).toBe(429)
  expect(response.headers['retry-after']).toBe('300')
  expect(response.text).toContain('Try again in 5 minutes.')
})

test('a new sign-in gives a new session and ends the old one', async () => {
  const visitor = new Visitor()
  const page = await visitor.get('/sign-in')
  const form = { csrf: csrfOf(page.text), user: 'alice', password: 'open sesame' }
  await visitor.post('/sign-in', form)
  const first = visitor.cookies.get('__Host-portcullis')
  await visitor.post('/sign-in', form)
  expect(visitor.cookies.get('__Host-portcullis')).not.toBe(first)
  expect(visitor.services.openSessions).toBe(1)
})

test('the sign-in form is refused when its token is not the one of the cookie', async () => {
  const visitor = new Visitor()
  await visitor.get('/sign-in')
  const form = { csrf: 'A'.repeat(22), user: 'alice', password: 'open sesame' }
  expect((await visitor.post('/sign-in', form)).status).toBe(403)
  visitor.cookies.clear()
  expect((await visitor.post('/sign-in', form)).status).toBe(403)
  expect(visitor.services.signIns).toEqual([])
})

test('signing out ends the session and clears the cookie', async () => {
  const visitor = new Visitor()
  await visitor.signIn()
  const { text } = await visitor.get('/')
  const response = await visitor.post('/sign-out', { csrf: csrfOf(text) })
  expect(response.headers.location).toBe('/sign-in?after=sign-out')
  expect(visitor.cookies.has('__Host-portcullis')).toBe(false)
  expect(visitor.services.openSessions).toBe(0)
  expect((await visitor.get('/sign-in?after=sign-out')).text).toContain('You are signed out.')
})

test('signing out needs the session’s token, and a link cannot do it', async () => {
  const visitor = new Visitor()
  await visitor.signIn()
  expect((await visitor.post('/sign-out', { csrf: 'A'.repeat(22) })).status).toBe(403)
  expect((await visitor.get('/sign-out')).headers.location).toBe('/')
  expect(visitor.services.openSessions).toBe(1)
})

test('signing out twice is no error', async () => {
  const visitor = new Visitor()
  expect((await visitor.post('/sign-out', { csrf: 'anything' })).status).toBe(303)
})

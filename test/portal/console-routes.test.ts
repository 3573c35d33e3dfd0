import { expect, test } from 'vitest'
import { alice } from './fake-services.ts'
import { csrfOf, Visitor } from './visitor.ts'

const form = { csrf: alice.csrfToken, vm: 'vm-1' }

test('the list shows name, kind and a button for each machine', async () => {
  const { text } = await (await Visitor.signedIn()).get('/')
  expect(text).toContain('<h2>web-01</h2>')
  expect(text).toContain('Remote Desktop')
  expect(text).toContain('name="vm" value="vm-1"')
  expect(text).toContain('Acme &amp; Sons')
})

test('a machine without console says why in words, and its button cannot be pressed', async () => {
  const { text } = await (await Visitor.signedIn()).get('/')
  expect(text).not.toContain('value="vm-2"')
  expect(text).toContain('disabled aria-describedby="vm-1-reason"')
  expect(text).toContain('has not switched on console access for this machine')
})

test('Console answers with the file as a download that nothing may keep', async () => {
  const visitor = await Visitor.signedIn()
  const response = await visitor.post('/console', form, { 'X-Forwarded-For': '203.0.113.9' })
  expect(response.status).toBe(200)
  expect(response.headers).toMatchObject({
    'content-type': 'application/x-rdp',
    'content-disposition': 'attachment; filename="web-01-7K3M-Q2XD.rdp"',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'content-length': '4',
  })
  expect(visitor.services.opened).toEqual([
    { vm: 'vm-1', clientAddress: expect.stringMatching(/127\.0\.0\.1$/) },
  ])
  expect(visitor.services.sent).toBe(1)
})

test('a refused console is a page with one sentence and the reference, never a file', async () => {
  const visitor = await Visitor.signedIn()
  visitor.services.openConsoleResult = {
    ok: false,
    status: 404,
    code: 'vm-unknown',
    detail: 'vm: vm-9 belongs to tenant globex',
    ref: '7K3M-Q2XD',
  }
  const response = await visitor.post('/console', { ...form, vm: 'vm-9' })
  expect(response.status).toBe(404)
  expect(response.type).toBe('text/html')
  expect(response.headers).not.toHaveProperty('content-disposition')
  expect(response.text).toContain('There is no such machine among yours.')
  expect(response.text).toContain('7K3M-Q2XD')
  expect(response.text).not.toContain('globex')
  expect(visitor.services.sent).toBe(0)
})

test('one file too many is told as what it is, and when the next is possible', async () => {
  const visitor = await Visitor.signedIn()
  visitor.services.openConsoleResult = {
    ...{ ok: false, status: 429, code: 'rate-limited', detail: '', ref: '7K3M-Q2XD' },
    ...{ retryAfterSeconds: 75, openFiles: 20 },
  }
  const response = await visitor.post('/console', form)
  expect(response.status).toBe(429)
  expect(response.headers['retry-after']).toBe('75')
  expect(response.text).toContain('You have 20 files that can still be opened')
  expect(response.text).toContain('wait until one has expired. Try again in 75 seconds.')
})

test('Console after the session has ended asks to sign in again', async () => {
  const visitor = new Visitor()
  const response = await visitor.post('/console', form)
  expect(response.status).toBe(401)
  expect(response.text).toContain('Your session has ended.')
  expect(visitor.services.opened).toEqual([])
})

test('a file name that is no plain name stays inside its header', async () => {
  const visitor = await Visitor.signedIn()
  visitor.services.openConsoleResult = {
    ok: true,
    ref: '7K3M-Q2XD',
    fileName: 'ü"\r\nX-Evil: 1.rdp',
    rdp: Uint8Array.of(1),
    expiresAt: new Date(0),
    sent: () => {},
  }
  const response = await visitor.post('/console', form)
  expect(response.headers).not.toHaveProperty('x-evil')
  expect(response.headers['content-disposition']).toMatch(
    /^attachment; filename="[^"]*(\\"[^"]*)*"/,
  )
})

test('reloading a failure leads back to the list', async () => {
  const visitor = await Visitor.signedIn()
  const response = await visitor.get('/console')
  expect([response.status, response.headers.location]).toEqual([303, '/'])
  expect(csrfOf((await visitor.get('/')).text)).toBe(alice.csrfToken)
})

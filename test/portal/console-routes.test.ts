import { expect, test } from 'vitest'
import { createLog } from '../../src/lib/index.ts'
import { alice } from './fake-services.ts'
import { csrfOf, Visitor } from './visitor.ts'

async function signedIn(visitor = new Visitor()): Promise<Visitor> {
  await visitor.signIn()
  return visitor
}

const form = { csrf: alice.csrfToken, vm: 'vm-1' }

test('the list shows name, kind and a button for each machine', async () => {
  const { text } = await (await signedIn()).get('/')
  expect(text).toContain('<h2>web-01</h2>')
  expect(text).toContain('Remote Desktop')
  expect(text).toContain('name="vm" value="vm-1"')
  expect(text).toContain('Acme &amp; Sons')
})

test('a machine without console says why in words, and its button cannot be pressed', async () => {
  const { text } = await (await signedIn()).get('/')
  expect(text).not.toContain('value="vm-2"')
  expect(text).toContain('disabled aria-describedby="vm-1-reason"')
  expect(text).toContain('has not switched on console access for this machine')
})

test('a tenant without machines is told what will happen', async () => {
  const visitor = await signedIn()
  visitor.services.vms = []
  expect((await visitor.get('/')).text).toContain('No machines yet')
})

test('a user of the provider is told that machines belong to tenants', async () => {
  const visitor = await signedIn()
  const { tenant: _, ...operator } = alice
  visitor.services.session = operator
  visitor.services.vms = []
  expect((await visitor.get('/')).text).toContain('No machines here')
})

test('names that look like markup are shown as they are', async () => {
  const visitor = await signedIn()
  visitor.services.vms = [{ id: '"><i>', name: '<script>', kind: '<kind>', consoleAvailable: true }]
  const { text } = await visitor.get('/')
  expect(text).toContain('&lt;script&gt;')
  expect(text).toContain('value="&quot;&gt;&lt;i&gt;"')
  expect(text).not.toMatch(/<script>|<i>|<kind>/)
})

test('Console answers with the file as a download that nothing may keep', async () => {
  const visitor = await signedIn()
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
})

test('a refused console is a page with one sentence and the reference, never a file', async () => {
  const visitor = await signedIn()
  visitor.services.openConsoleResult = {
    ok: false,
    status: 404,
    code: 'not-found',
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
})

test('an error of ours is a page with a reference, and the log has the cause under it', async () => {
  const lines: string[] = []
  const log = createLog({ stream: { write: (line) => lines.push(line) } })
  const visitor = await signedIn(new Visitor(log))
  visitor.services.openConsoleResult = new Error('store: disk full')
  const response = await visitor.post('/console', form)
  expect(response.status).toBe(500)
  expect(response.text).not.toContain('disk full')
  const line = JSON.parse(lines[0] ?? '')
  expect(line).toMatchObject({ event: 'portal.refused', level: 'error', error: 'store: disk full' })
  expect(response.text).toContain(line.ref)
})

test('Console after the session has ended asks to sign in again', async () => {
  const visitor = new Visitor()
  const response = await visitor.post('/console', form)
  expect(response.status).toBe(401)
  expect(response.text).toContain('Your session has ended.')
  expect(visitor.services.opened).toEqual([])
})

test.each([
  ['another origin', { Origin: 'https://evil.example' }],
  ['another port of the same host', { Origin: 'https://portal.example' }],
  ['plain http', { Origin: 'http://portal.example:8443' }],
  ['an opaque origin', { Origin: 'null' }],
  ['another site', { 'Sec-Fetch-Site': 'cross-site' }],
  ['a sibling host', { 'Sec-Fetch-Site': 'same-site' }],
])('a form sent from %s is refused before anything is asked', async (_, headers) => {
  const visitor = await signedIn()
  for (const path of ['/console', '/sign-in', '/sign-out']) {
    const response = await visitor.post(path, form, headers)
    expect(response.status).toBe(403)
    expect(response.type).toBe('text/html')
    expect(response.text).toContain('This request did not come from a current page of this portal.')
  }
  expect(visitor.services.opened).toEqual([])
  expect(visitor.services.signIns).toHaveLength(1)
  expect(visitor.services.openSessions).toBe(1)
})

test('a request that says nothing of where it comes from is refused', async () => {
  const visitor = await signedIn()
  const response = await visitor
    .raw()
    .post('/console')
    .set('Cookie', visitor.cookieHeader)
    .type('form')
    .send(form)
  expect(response.status).toBe(403)
})

test('a wrong or missing token is refused', async () => {
  const visitor = await signedIn()
  expect((await visitor.post('/console', { ...form, csrf: 'A'.repeat(22) })).status).toBe(403)
  expect((await visitor.post('/console', { vm: 'vm-1' })).status).toBe(400)
  expect(visitor.services.opened).toEqual([])
})

test.each([
  ['no machine', { csrf: alice.csrfToken }],
  ['a machine id over 128 characters', { ...form, vm: 'v'.repeat(129) }],
  ['two machines', `csrf=${alice.csrfToken}&vm=vm-1&vm=vm-2`],
  ['a nested field', `csrf=${alice.csrfToken}&vm[id]=vm-1`],
  ['an unknown field', { ...form, ttlSeconds: '3600' }],
])('a form with %s is answered with a page', async (_, fields) => {
  const visitor = await signedIn()
  const response = await visitor.post('/console', fields)
  expect(response.status).toBe(400)
  expect(response.type).toBe('text/html')
  expect(visitor.services.opened).toEqual([])
})

test('a body that is no form is refused', async () => {
  const visitor = await signedIn()
  const response = await visitor.post('/console', JSON.stringify(form), {
    'Content-Type': 'application/json',
  })
  expect(response.status).toBe(400)
})

test('a file name that is no plain name stays inside its header', async () => {
  const visitor = await signedIn()
  visitor.services.openConsoleResult = {
    ok: true,
    ref: '7K3M-Q2XD',
    fileName: 'ü"\r\nX-Evil: 1.rdp',
    rdp: Uint8Array.of(1),
    expiresAt: new Date(0),
  }
  const response = await visitor.post('/console', form)
  expect(response.headers).not.toHaveProperty('x-evil')
  expect(response.headers['content-disposition']).toMatch(
    /^attachment; filename="[^"]*(\\"[^"]*)*"/,
  )
})

test('reloading a failure leads back to the list', async () => {
  const visitor = await signedIn()
  const response = await visitor.get('/console')
  expect([response.status, response.headers.location]).toEqual([303, '/'])
  expect(csrfOf((await visitor.get('/')).text)).toBe(alice.csrfToken)
})

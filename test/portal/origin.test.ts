import { expect, test } from 'vitest'
import { alice } from './fake-services.ts'
import { Visitor } from './visitor.ts'

const form = { csrf: alice.csrfToken, vm: 'vm-1' }

test.each([
  ['another origin', { Origin: 'https://evil.example' }],
  ['another port of the same host', { Origin: 'https://portal.example' }],
  ['plain http', { Origin: 'http://portal.example:8443' }],
  ['an opaque origin', { Origin: 'null' }],
  ['another site', { 'Sec-Fetch-Site': 'cross-site' }],
  ['a sibling host', { 'Sec-Fetch-Site': 'same-site' }],
])('a form sent from %s is refused before anything is asked', async (_, headers) => {
  const visitor = await Visitor.signedIn()
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
  const visitor = await Visitor.signedIn()
  const response = await visitor
    .raw()
    .post('/console')
    .set('Cookie', visitor.cookieHeader)
    .type('form')
    .send(form)
  expect(response.status).toBe(403)
})

test('a wrong or missing token is refused', async () => {
  const visitor = await Visitor.signedIn()
  expect((await visitor.post('/console', { ...form, csrf: 'A'.repeat(22) })).status).toBe(403)
  expect((await visitor.post('/console', { vm: 'vm-1' })).status).toBe(400)
  expect(visitor.services.opened).toEqual([])
})

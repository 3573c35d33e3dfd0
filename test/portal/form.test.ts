import { expect, test } from 'vitest'
import { alice } from './fake-services.ts'
import { csrfOf, Visitor } from './visitor.ts'

const form = { csrf: alice.csrfToken, vm: 'vm-1' }

test.each([
  ['no machine', { csrf: alice.csrfToken }],
  ['a machine id over 128 characters', { ...form, vm: 'v'.repeat(129) }],
  ['two machines', `csrf=${alice.csrfToken}&vm=vm-1&vm=vm-2`],
  ['a nested field', `csrf=${alice.csrfToken}&vm[id]=vm-1`],
  ['an unknown field', { ...form, ttlSeconds: '3600' }],
])('a form with %s is answered with a page', async (_, fields) => {
  const visitor = await Visitor.signedIn()
  const response = await visitor.post('/console', fields)
  expect(response.status).toBe(400)
  expect(response.type).toBe('text/html')
  expect(visitor.services.opened).toEqual([])
})

test('a body that is no form is refused', async () => {
  const visitor = await Visitor.signedIn()
  const response = await visitor.post('/console', JSON.stringify(form), {
    'Content-Type': 'application/json',
  })
  expect(response.status).toBe(400)
})

test.each([
  ['no password', { user: 'alice', password: '' }],
  ['no user', { user: '  ', password: 'x' }],
  ['a password of 1,025 characters', { user: 'alice', password: 'x'.repeat(1025) }],
  ['an unknown field', { user: 'alice', password: 'x', role: 'operator' }],
])('a form with %s is not passed on', async (_, fields) => {
  const visitor = new Visitor()
  const page = await visitor.get('/sign-in')
  const response = await visitor.post('/sign-in', { csrf: csrfOf(page.text), ...fields })
  expect(response.status).toBe(400)
  expect(response.text).toContain('Enter your user name and your password.')
  expect(visitor.services.signIns).toEqual([])
})

test('a form over the limit is answered with a page, and not read to its end', async () => {
  const visitor = new Visitor()
  const response = await visitor.post('/sign-in', `user=${'x'.repeat(20_000)}`)
  expect(response.status).toBe(413)
  expect(response.type).toBe('text/html')
  expect(response.text).toContain('Support reference')
})

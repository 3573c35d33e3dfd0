import { expect, test } from 'vitest'
import { csrfOf, Visitor } from './visitor.ts'

test('two open sign-in pages both work', async () => {
  const visitor = new Visitor()
  const page = await visitor.get('/sign-in')
  await visitor.get('/sign-in')
  const form = { csrf: csrfOf(page.text), user: 'alice', password: 'open sesame' }
  expect((await visitor.post('/sign-in', form)).headers.location).toBe('/')
})

test('a cookie that cannot be a session token is not looked up', async () => {
  const visitor = new Visitor()
  for (const value of ['short', 'x'.repeat(201), 'session token with blanks']) {
    visitor.cookies.set('__Host-portcullis', value)
    expect((await visitor.get('/')).headers.location).toBe('/sign-in')
  }
})

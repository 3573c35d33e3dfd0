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

test('every page forbids inline code, framing, caching and other origins', async () => {
  const visitor = new Visitor()
  const signIn = await visitor.get('/sign-in')
  await visitor.signIn()
  for (const page of [signIn, await visitor.get('/'), await visitor.get('/console')]) {
    expect(page.headers['content-security-policy']).toBe(
      "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; " +
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    )
    expect(page.headers).toMatchObject({
      'cache-control': 'no-store',
      'referrer-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    })
  }
})

test('pages hold no inline style, script or handler, since the policy would block them', async () => {
  const visitor = new Visitor()
  const pages = [await visitor.get('/sign-in'), await visitor.signIn('bob'), await visitor.signIn()]
  pages.push(await visitor.get('/'))
  for (const { text } of pages) {
    expect(text).not.toMatch(/\sstyle=|<style|\son[a-z]+=|<script(?![^>]*\ssrc=)/)
  }
})

test('a page names its assets by content, and those may be kept for good', async () => {
  const visitor = new Visitor()
  const { text } = await visitor.get('/sign-in')
  const paths = [...text.matchAll(/(?:href|src)="(\/assets\/[^"]+)"/g)].map(
    ([, path]) => path ?? '',
  )
  expect(paths).toHaveLength(3)
  for (const path of paths) {
    const asset = await visitor.get(path)
    expect(asset.status).toBe(200)
    expect(asset.headers['cache-control']).toBe('public, max-age=31536000, immutable')
    expect(asset.headers['content-type']).toMatch(/^(text\/css|text\/javascript|image\/svg)/)
  }
})

test('an asset without its version is asked for again each time, and answered 304', async () => {
  const visitor = new Visitor()
  const first = await visitor.get('/assets/portal.css')
  expect(first.headers['cache-control']).toBe('no-cache')
  const again = await visitor
    .raw()
    .get('/assets/portal.css')
    .set('If-None-Match', first.headers.etag ?? '')
  expect(again.status).toBe(304)
})

test('two portals share nothing', async () => {
  const [one, other] = [new Visitor(), new Visitor()]
  await one.signIn()
  const response = await other.raw().get('/').set('Cookie', one.cookieHeader)
  expect(response.headers.location).toBe('/sign-in')
  expect(csrfOf((await other.get('/sign-in')).text)).not.toBe('')
})

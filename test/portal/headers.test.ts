import { expect, test } from 'vitest'
import { Visitor } from './visitor.ts'

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

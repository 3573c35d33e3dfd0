import { expect, test } from 'vitest'
import { Visitor } from './visitor.ts'

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

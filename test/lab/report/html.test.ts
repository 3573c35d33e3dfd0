import { expect, test } from 'vitest'
import { renderHtml } from '../../../src/lab/report/html.ts'
import { RESULT } from './results.ts'

test('is one page that asks nobody for anything', () => {
  const page = renderHtml(RESULT)
  expect(page).not.toMatch(/\b(src|href)="(?!#)/)
  expect(page).not.toMatch(/<script|@import|url\(/)
})

test('shows client and log side by side, joined by reference and connection', () => {
  const page = renderHtml(RESULT)
  expect(page).toContain('<b class="refused">refused</b> at tunnel')
  expect(page).toContain('<b>issuer-unknown</b> <span class="quiet">gw1</span>')
  expect(page).toContain('<b>7K3M-Q2XD</b>')
  expect(page).toContain('00000000-0000-4000-8000-000000000000')
})

test('says first what is not as expected', () => {
  const page = renderHtml(RESULT)
  expect(page).toContain('2 not as expected')
  expect(page).toContain('<a href="#times.bad">')
  expect(page).toContain('<a href="#altered.broken">')
  expect(page).not.toContain('<a href="#times.good">')
  const { scenarios } = RESULT
  const green = renderHtml({ ...RESULT, scenarios: scenarios.slice(0, 1), passed: true })
  expect(green).toContain('All as expected')
})

test('shows text as text', () => {
  const page = renderHtml(RESULT)
  expect(page).toContain('an &lt;odd&gt; &amp; &quot;strange&quot; client')
  expect(page).toContain('&lt;nobody&gt;')
  expect(page).not.toContain('<nobody>')
})

import { expect, test } from 'vitest'
import { renderHtml } from '../../../src/lab/report/html.ts'
import { RESULT, ROW } from './results.ts'

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

test('each field has its head with it, for where a table has no room', () => {
  const page = renderHtml(RESULT)
  const cells = page.match(/<td\b/g) ?? []
  expect(cells.length).toBeGreaterThan(0)
  expect(page.match(/<td\b[^>]* data-head="[A-Z][^"]+"/g)).toHaveLength(cells.length)
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

test('every group is led to from the beginning, with how many scenarios it has', () => {
  const page = renderHtml(RESULT)
  const links = [...page.matchAll(/<a href="#(group-[^"]+)">/g)].map(([, id]) => id)
  expect(links).toEqual(['group-times', 'group-altered'])
  for (const id of links) expect(page).toContain(`<section id="${id}">`)
  expect(page).toContain('Times and clocks</a> <span class="quiet">2</span>')
})

test('shows text as text', () => {
  const page = renderHtml(RESULT)
  expect(page).toContain('an &lt;odd&gt; &amp; &quot;strange&quot; client')
  expect(page).toContain('&lt;nobody&gt;')
  expect(page).not.toContain('<nobody>')
})

test('lists what was left out with its reason, and says where nobody read a log', () => {
  const [good] = RESULT.scenarios
  if (good === undefined) throw new TypeError('no results')
  const { log: _unread, ...row } = ROW
  const left = { ...good, name: 'agent.valid', rows: [], skipped: 'needs a <host> agent' }
  const scenarios = [{ ...good, rows: [{ ...row, faults: [] }] }, left]
  const page = renderHtml({ ...RESULT, gateway: 'gw1.example:443', scenarios, passed: true })
  expect(page).toContain('<b>not read</b>')
  expect(page).toContain('<dd>gw1.example:443</dd>')
  expect(page).toContain('<a href="#left-out">1</a>')
  expect(page).toContain('needs a &lt;host&gt; agent')
  expect(page).not.toContain('id="agent.valid"')
})

test('does not call green what was interrupted', () => {
  const scenarios = RESULT.scenarios.slice(0, 1)
  const page = renderHtml({ ...RESULT, scenarios, interrupted: true })
  expect(page).toContain('Interrupted; nothing else than expected so far')
  expect(page).not.toContain('verdict ok')
})

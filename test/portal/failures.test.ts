import { expect, test } from 'vitest'
import { BrokerError, createLog } from '../../src/lib/index.ts'
import { alice } from './fake-services.ts'
import { Visitor } from './visitor.ts'

const form = { csrf: alice.csrfToken, vm: 'vm-1' }

test('an error of ours is a page with a reference, and the log has the cause under it', async () => {
  const lines: string[] = []
  const log = createLog({ stream: { write: (line) => lines.push(line) } })
  const visitor = await Visitor.signedIn(log)
  visitor.services.openConsoleResult = new Error('store: disk full')
  const response = await visitor.post('/console', form)
  expect(response.status).toBe(500)
  expect(response.text).not.toContain('disk full')
  const line = JSON.parse(lines[0] ?? '')
  expect(line).toMatchObject({ event: 'portal.refused', level: 'error', error: 'store: disk full' })
  expect(response.text).toContain(line.ref)
})

test('a store that fails is told as a service that cannot answer just now', async () => {
  const visitor = await Visitor.signedIn()
  visitor.services.openConsoleResult = new BrokerError('ERR_STORE', 'database is locked')
  const response = await visitor.post('/console', form)
  expect(response.status).toBe(503)
  expect(response.text).toContain('The service cannot answer at the moment.')
  expect(response.text).not.toContain('locked')
})

test('pages that there are not fill the log with so many lines, none of them long', async () => {
  const lines: Record<string, unknown>[] = []
  const stream = { write: (line: string) => void lines.push(JSON.parse(line)) }
  const visitor = new Visitor(createLog({ level: 'debug', stream }), { now: () => 0 })
  const ask = () =>
    visitor
      .raw()
      .get(`/${'x'.repeat(2_000)}`)
      .set('Accept', 'text/html')
      .expect(404)
  for (let asked = 0; asked < 1_020; asked += 20) await Promise.all(Array.from({ length: 20 }, ask))
  expect(lines[0]).toMatchObject({ level: 'warn', path: expect.stringMatching(/^\/x{255}$/) })
  expect(lines.filter(({ level }) => level === 'warn')).toHaveLength(1_000)
}, 30_000)

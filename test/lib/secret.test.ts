import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { createLog, Secret } from '../../src/lib/index.ts'

test('a secret shows its text to nobody but reveal()', () => {
  const secret = new Secret('hunter2')
  const shown = [
    String(secret),
    `${secret}`,
    JSON.stringify({ secret }),
    inspect({ secret }),
    inspect(secret),
  ]
  expect(shown.join()).not.toContain('hunter2')
  expect(secret.reveal()).toBe('hunter2')
})

test('a log line is one JSON object with time and event, and hides secrets', () => {
  const lines: string[] = []
  const log = createLog({ fields: { node: 'gw1' }, stream: { write: (line) => lines.push(line) } })
  log.child({ jti: 'j' }).warn('token.refused', { token: new Secret('hunter2') })
  expect(lines).toHaveLength(1)
  const line = JSON.parse(lines[0] ?? '')
  expect(line).toMatchObject({ level: 'warn', node: 'gw1', jti: 'j', event: 'token.refused' })
  expect(line.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  expect(lines[0]).not.toContain('hunter2')
})

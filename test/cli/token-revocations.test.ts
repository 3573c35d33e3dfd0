import { expect, test } from 'vitest'
import { register } from '../../src/cli/token.ts'
import { useBroker } from './use-broker.ts'

const broker = useBroker()
const token = (...args: string[]) => broker.run(register, ['token', ...args])

test('lists what is revoked, of whom, until when and why', async () => {
  const none = await token('revocations')
  expect(none.stdout).toMatch(/^REVOCATION +KIND +OF +ISSUED UNTIL +IN FORCE UNTIL +WHO +REASON\n$/)
  const revoked = await token('revoke', 'user', 'ann', '--reason', 'left the company')
  const { stdout, exitCode } = await token('revocations')
  expect(exitCode).toBe(0)
  const [, row = ''] = stdout.split('\n')
  expect(row.split(/ {2,}/)).toEqual([
    ...[revoked.stdout.trim(), 'user', 'ann', expect.stringMatching(/Z$/)],
    ...[expect.stringMatching(/Z$/), 'key:test', 'left the company'],
  ])
  const { items } = JSON.parse((await token('revocations', '--json')).stdout)
  expect(items).toMatchObject([{ kind: 'user', value: 'ann', endSessions: false }])
})

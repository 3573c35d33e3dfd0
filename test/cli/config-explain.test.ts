import { expect, test } from 'vitest'
import { register } from '../../src/cli/config.ts'
import { DEFAULT_LIMITS } from '../../src/gateway/index.ts'
import { GATEWAY } from '../config/files.ts'
import { runCommand, writeFiles } from './run-command.ts'

const explain = (...args: string[]) => runCommand(register, ['config', 'explain', ...args])

test('prints a setting for a person', async () => {
  const { 'gateway.yaml': file } = writeFiles({ 'gateway.yaml': GATEWAY })
  const { stdout, exitCode } = await explain('leewaySeconds', '--config', file)
  expect(stdout.toString()).toBe(
    [
      'leewaySeconds (gateway)',
      '  Clock difference between broker and whoever verifies that is forgiven.',
      '  type      whole number, 0 to 30, seconds',
      '  default   5',
      '  variable  PORTCULLIS_LEEWAY_SECONDS',
      '  value     5, by default',
      '',
    ].join('\n'),
  )
  expect(exitCode).toBe(0)
})

test('as JSON, with the limits that the roles themselves have', async () => {
  const { stdout } = await explain('limits.maxTunnels', '--json')
  expect(JSON.parse(stdout.toString())).toMatchObject({
    items: [{ role: 'gateway', value: DEFAULT_LIMITS.maxTunnels, source: 'default' }],
  })
})

test('a wrong value exits with 1, an unknown key or a missing file with 2', async () => {
  const { 'gateway.yaml': file } = writeFiles({ 'gateway.yaml': `${GATEWAY}leewaySeconds: 31\n` })
  const wrong = await explain('leewaySeconds', '--config', file)
  expect(wrong.stderr).toBe(
    'portcullis: leewaySeconds: have 31; need a whole number from 0 to 30\n',
  )
  expect(wrong.exitCode).toBe(1)
  const unknown = await explain('leewaySecond')
  expect(unknown.stderr).toContain('did you mean leewaySeconds?')
  expect(unknown.exitCode).toBe(2)
  expect((await explain('node', '--config', '/nonexistent.yaml')).exitCode).toBe(2)
})

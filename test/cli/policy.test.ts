import { expect, test } from 'vitest'
import { register } from '../../src/cli/policy.ts'
import { writeFiles } from './run-command.ts'
import { useBroker } from './use-broker.ts'

const broker = useBroker()
const policy = (...args: string[]) => broker.run(register, ['policy', ...args])

test('a layer that says nothing is said to', async () => {
  expect(await policy('get')).toEqual({
    stdout: '',
    stderr: 'portcullis: this layer says nothing\n',
    exitCode: 0,
  })
})

test('sets what is named, leaves the rest, and shows both', async () => {
  const first = await policy('set', '--default', 'maxSessions=2', '--enforce', 'redirect=none')
  expect(first.exitCode).toBe(0)
  const { stdout } = await policy('set', '--default', 'idleLimitMinutes=30')
  expect(stdout).toBe(
    [
      'SETTING           DEFAULT  ENFORCED',
      'idleLimitMinutes  30       -',
      'maxSessions       2        -',
      'redirect          -        none',
      '',
    ].join('\n'),
  )
  expect((await policy('get')).stdout).toBe(stdout)
  const { stdout: json } = await policy('set', '--unset', 'maxSessions', '--json')
  expect(JSON.parse(json)).toEqual({
    default: { idleLimitMinutes: 30 },
    enforce: { redirect: [] },
  })
})

test('shows what holds for a machine, with the source of each value', async () => {
  await policy('set', '--tenant', 'acme', '--enforce', 'consentText=Be good.\nAlways.')
  const { stdout } = await policy('get', '--effective', 'web')
  const rows = stdout.split('\n').map((line) => line.split(/ {2,}/))
  expect(rows).toContainEqual(['SETTING', 'VALUE', 'SOURCE', 'LOCKED'])
  expect(rows).toContainEqual(['idleLimitMinutes', '30', 'provider', 'no'])
  expect(rows).toContainEqual(['consentText', 'Be good.\\nAlways.', 'tenant:acme', 'yes'])
  expect(rows).toContainEqual(['ttlMaxSeconds', '300', 'built-in', 'no'])
  const { stdout: json } = await policy('get', '--effective', 'web', '--json')
  expect(JSON.parse(json)).toMatchObject({
    vm: 'web',
    tenant: 'acme',
    values: { redirect: { value: [], source: 'provider', locked: true } },
  })
})

test('names what an outer layer makes void', async () => {
  const provider = await policy('set', '--enforce', 'redirect=none')
  expect(provider.stderr).toBe('')
  const void_ = 'portcullis: redirect: has no effect, enforced by provider\n'
  expect(await policy('set', '--vm', 'web', '--default', 'redirect=drives')).toMatchObject({
    stderr: void_,
    exitCode: 0,
  })
  const tenant = await policy('set', '--tenant', 'acme', '--enforce', 'redirect=drives')
  expect(tenant.stderr).toBe(void_)
})

test('a file is the whole layer', async () => {
  const { layer } = writeFiles({ layer: '{"enforce":{"allowBrowser":false}}' })
  const { stdout } = await policy('set', '--vm', 'web', '--file', layer, '--json')
  expect(JSON.parse(stdout)).toEqual({ default: {}, enforce: { allowBrowser: false } })
})

test('refuses with 1 what the broker refuses, naming the field', async () => {
  const refused = await policy('set', '--enforce', 'ttlMaxSeconds=30', '--default', 'ttlSeconds=60')
  expect(refused).toMatchObject({ stdout: '', exitCode: 1 })
  expect(refused.stderr).toContain('enforce.ttlMaxSeconds: need at least ttlSeconds, 60, have 30')
  expect((await policy('get', '--vm', 'none')).stderr).toMatch(/^portcullis: not-found: /)
})

test('refuses with 2 what makes no sense', async () => {
  const { text } = writeFiles({ text: 'redirect=none' })
  expect(await policy('set')).toMatchObject({
    stderr: 'portcullis: need --default, --enforce, --unset or --file\n',
    exitCode: 2,
  })
  expect(await policy('set', '--file', text)).toMatchObject({
    stderr: `portcullis: --file ${text}: is no JSON\n`,
    exitCode: 2,
  })
})

import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { type ExplainOptions, explainKey } from '../../src/config/index.ts'
import { BROKER, FARM, GATEWAY, writeConfig } from './files.ts'

const explain = (key: string, options: ExplainOptions = {}) =>
  explainKey(key, { environment: {}, ...options })

test('says what a setting is, what it may be, and its default', () => {
  expect(explain('tokens.lifetimeSeconds')).toEqual([
    {
      key: 'tokens.lifetimeSeconds',
      role: 'broker',
      description: expect.stringContaining('How long a token'),
      type: 'whole number',
      need: 'a whole number from 5 to 3600',
      unit: 'seconds',
      minimum: 5,
      maximum: 3600,
      choices: undefined,
      default: 60,
      required: false,
      variable: 'PORTCULLIS_TOKENS_LIFETIME_SECONDS',
      value: 60,
      source: 'default',
      faults: [],
    },
  ])
  expect(explain('clientBinding', { role: 'gateway' })).toMatchObject([
    { choices: ['address', 'prefix', 'none'], default: 'address' },
  ])
  expect(explain('tls', { role: 'broker' })).toMatchObject([
    {
      type: 'mapping of certificateFile, privateKeyFile, passPhraseFile',
      required: true,
      source: 'unset',
    },
  ])
})

test('without a file or a role, names every role that has it', () => {
  expect(explain('listen').map(({ role }) => role)).toEqual(['broker', 'host-agent', 'farm'])
})

test('the value is from the variable, else the file, else the default', () => {
  const file = writeConfig(`${GATEWAY}leewaySeconds: 7\n`)
  const leeway = (environment: Record<string, string>, path = file) =>
    explain('leewaySeconds', { file: path, environment })[0]
  expect(leeway({ PORTCULLIS_LEEWAY_SECONDS: '9' })).toMatchObject({
    value: 9,
    source: 'environment',
  })
  expect(leeway({})).toMatchObject({ value: 7, source: 'file' })
  expect(leeway({}, writeConfig(GATEWAY))).toMatchObject({ value: 5, source: 'default' })
})

test('a file is told with its whole path', () => {
  const file = writeConfig(BROKER)
  expect(explain('tls.certificateFile', { file })).toMatchObject([
    { value: join(dirname(file), 'tls.crt'), source: 'file' },
  ])
})

test('a default counts only in a mapping that is there', () => {
  const file = writeConfig(GATEWAY)
  expect(explain('control.maxTrustAgeHours', { file })).toMatchObject([
    { default: 24, value: undefined, source: 'unset' },
  ])
  expect(explain('redeem.whenBrokerAway', { file })).toMatchObject([
    { value: 'local', source: 'default' },
  ])
})

test('takes what a role puts in the place of an optional setting', () => {
  const builtIn = { gateway: { limits: { maxTunnels: 12 } } }
  expect(explain('limits.maxTunnels', { builtIn })).toMatchObject([
    { default: 12, value: 12, source: 'default' },
  ])
})

test('a place in a list may be named, in either spelling, or not', () => {
  const file = writeConfig(GATEWAY)
  for (const key of ['listeners.0.address', 'listeners[0].address']) {
    expect(explain(key, { file })).toMatchObject([
      { key: 'listeners.0.address', value: '[::]:443', source: 'file', variable: undefined },
    ])
  }
  expect(explain('listeners.address', { file })).toMatchObject([
    { value: undefined, source: 'several' },
  ])
})

test('names what is wrong with the value, and with nothing else', () => {
  const file = writeConfig(`${GATEWAY}leewaySeconds: 31\nclientBinding: no\n`)
  expect(explain('leewaySeconds', { file })[0]?.faults).toEqual([
    {
      path: 'leewaySeconds',
      message: 'have 31; need a whole number from 0 to 30',
      setting: 'leewaySeconds',
    },
  ])
  expect(explain('logLevel', { file })[0]?.faults).toEqual([])
  expect(explain('node', { role: 'gateway' })[0]?.faults).toEqual([])
})

test('variables play no part in a farm', () => {
  const file = writeConfig(FARM)
  expect(
    explain('listen', { file, environment: { PORTCULLIS_LISTEN: '192.0.2.1:1' } }),
  ).toMatchObject([{ role: 'farm', value: '192.0.2.10:443', source: 'file', variable: undefined }])
})

test.each([
  ['tokens.lifetmeSeconds', undefined, 'did you mean tokens.lifetimeSeconds?'],
  ['lifetimeSeconds', undefined, 'did you mean tokens.lifetimeSeconds?'],
  ['maxTunel', 'gateway', 'unknown setting of gateway; did you mean limits.maxTunnels?'],
  ['listener.address', 'gateway', 'did you mean listeners.address?'],
  ['issuer', 'gateway', 'it is one of broker'],
  ['zzzzzzzz', undefined, 'see portcullis config schema'],
  ['', undefined, 'unknown setting'],
] as const)('the unknown key %s names the nearest', (key, role, text) => {
  expect(() => explain(key, { role })).toThrow(text)
})

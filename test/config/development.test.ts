import { expect, test } from 'vitest'
import { assertDevelopmentAllowed, loadBrokerConfig } from '../../src/config/index.ts'
import { BROKER, writeConfig } from './files.ts'

test('refuses development certificates unless the configuration takes them', () => {
  const certificates = [
    { path: 'tls.certificateFile', development: false },
    { path: 'issuer.certificateFile', development: true },
  ]
  expect(() => assertDevelopmentAllowed({ development: false }, certificates)).toThrow(
    'issuer.certificateFile: is a development certificate; use one of your own',
  )
  assertDevelopmentAllowed({ development: true }, certificates)
  assertDevelopmentAllowed({ development: false }, certificates.slice(0, 1))
})

test('takes any loopback listener with them', () => {
  for (const address of ['127.0.0.1:1', '127.1.2.3:1', '"[::1]:1"', '"[::ffff:127.0.0.1]:1"']) {
    const text = `${BROKER.replace('0.0.0.0:8443', address)}development: true`
    expect(loadBrokerConfig(writeConfig(text), {}).development).toBe(true)
  }
})

import { expect, test } from 'vitest'
import { examineVersions } from '../../src/cli/doctor-versions.ts'

test('an old Node or OpenSSL is an error with its fix', () => {
  const severities = (versions: { node: string; openssl: string }) =>
    examineVersions(versions).map(({ severity }) => severity)
  expect(severities({ node: '24.1.0', openssl: '3.0.19' })).toEqual(['ok', 'ok', 'ok'])
  expect(severities({ node: '22.9.0', openssl: '1.1.1w' })).toEqual(['ok', 'error', 'error'])
})

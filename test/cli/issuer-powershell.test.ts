import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Certificate, readCertificate } from '../../src/certs/index.ts'
import type { RunningBroker } from '../../src/cli/broker.ts'
import { readText } from '../../src/cli/files.ts'
import { register } from '../../src/cli/issuer.ts'
import { renderWindowsTrust } from '../../src/cli/windows-trust.ts'
import { runCommand } from './run-command.ts'
import { apiAccess, type BrokerFiles, createBrokerFiles, start } from './running-broker.ts'

let files: BrokerFiles
let broker: RunningBroker
let certificate: Certificate

beforeAll(async () => {
  files = await createBrokerFiles()
  broker = await start(files.config)
  certificate = readCertificate(readText(files.config.issuer.certificateFile, 'issuer'))
})
afterAll(async () => {
  await broker.close()
  files.remove()
})

const powershell = async (...args: string[]) => {
  const all = ['issuer', 'powershell', ...args]
  const access = args.includes('--certificate') ? [] : apiAccess(files, broker)
  const { stdout, ...rest } = await runCommand(register, [...all, ...access])
  return { stdout: stdout.toString(), ...rest }
}

/** What a script would install: each thumbprint with its certificate. */
function issuersIn(script: string) {
  return [...script.matchAll(/@\{ Thumbprint = '([0-9A-F]+)'; Certificate = '([^']+)' \}/g)].map(
    ([, thumbprint = '', base64 = '']) => ({
      thumbprint,
      certificate: readCertificate(Buffer.from(base64, 'base64')),
    }),
  )
}

test.each([
  ['hyperv', 'Msvm_TerminalServiceSettingData', 'TrustedIssuerCertificateHashes', 'vmms'],
  ['rdgateway', 'FedAuthSettings', 'TrustedIssuerCertificates', 'TSGateway'],
])('a script for %s installs the trust set', async (verifier, wmiClass, setting, service) => {
  const { stdout, stderr, exitCode } = await powershell('--for', verifier)
  expect(exitCode).toBe(0)
  const found = issuersIn(stdout)
  expect(found.map(({ thumbprint }) => thumbprint)).toEqual([certificate.sha1Thumbprint])
  expect(found[0]?.certificate.sha256Thumbprint).toBe(certificate.sha256Thumbprint)
  for (const word of [wmiClass, setting, service]) expect(stdout).toContain(word)
  expect(stdout).toMatch(/^#Requires -Version 5\.1\r\n#Requires -RunAsAdministrator\r\n/)
  expect(stdout).not.toContain('PRIVATE KEY')
  // The issuer of the demo is an EC key.
  expect(stderr).toContain("has no RSA key: Microsoft's verifiers take RSA alone")
})

test('an issuer is named by either thumbprint, in any spelling', async () => {
  const { sha1Thumbprint, sha256Thumbprint } = certificate
  const colons = sha1Thumbprint.toLowerCase().replaceAll(/(..)(?=.)/g, '$1:')
  for (const spelled of [sha256Thumbprint, colons]) {
    const { stdout, exitCode } = await powershell(spelled, '--for', 'hyperv', '--json')
    expect(exitCode).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ for: 'hyperv', thumbprints: [sha1Thumbprint] })
  }
  const unknown = await powershell('A'.repeat(40), '--for', 'hyperv')
  expect(unknown).toMatchObject({ exitCode: 1, stdout: '' })
})

test('files take the place of the trust set, and ask no API', async () => {
  const file = join(files.config.issuer.certificateFile)
  const { stdout, exitCode } = await powershell('--for', 'rdgateway', '--certificate', file)
  expect(exitCode).toBe(0)
  expect(issuersIn(stdout)).toHaveLength(1)
})

test('nothing of a certificate gets out of its comment or its quotes', () => {
  const subject = "CN='); Remove-Item x #\r\nRemove-Item y; \u2019"
  const script = renderWindowsTrust('hyperv', [{ ...certificate, subject }])
  const lines = script.split('\r\n').filter((line) => line.includes('Remove-Item'))
  expect(lines).toHaveLength(1)
  expect(lines[0]).toMatch(/^ {2}# [ -~]+$/)
})

test('braces, brackets and quotes of the scripts are in pairs', () => {
  for (const verifier of ['hyperv', 'rdgateway'] as const) {
    const script = renderWindowsTrust(verifier, [certificate])
    const code = script.replaceAll(/^\s*#.*$/gm, '')
    for (const [open, close] of ['{}', '()', '[]'].map((pair) => [...pair])) {
      const count = (character = '') => code.split(character).length
      expect(count(open), `${verifier} ${open}`).toBe(count(close))
    }
    expect(code.split('"').length % 2).toBe(1)
  }
})

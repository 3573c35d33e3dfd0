import { expect, onTestFinished, test, vi } from 'vitest'
import { createAuthority, issueCertificate, readCertificate } from '../../src/certs/index.ts'
import { openLabTrust } from '../../src/cli/gateway-files.ts'
import { loadGatewayConfig } from '../../src/config/index.ts'
import { GATEWAY } from '../config/files.ts'
import { writeFiles } from './run-command.ts'

const DAY_MS = 24 * 60 * 60 * 1000

test('an issuer of a laboratory is trusted for that until its end, which keeps no node from starting', async () => {
  const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  onTestFinished(() => said.mockRestore())
  const common = { organization: 'Example', notBefore: new Date(), days: 2 }
  const authority = await createAuthority({ ...common, commonName: 'Authority' })
  const leaf = { ...common, days: 1, authority, role: 'issuer', commonName: 'Lab' } as const
  const { certificatePem } = await issueCertificate(leaf)
  const { sha256Thumbprint } = readCertificate(certificatePem)
  const lab = `lab: { issuer: { certificateFile: lab.crt, thumbprint: '${sha256Thumbprint}' }, echoHost: '192.0.2.50:7007' }`
  const own = GATEWAY.replace(/trust:\n(?: .*\n)+/, '')
  const control =
    "control: { broker: 'b:8444', tls: { certificateFile: c.crt, privateKeyFile: c.key }, caFile: ca.crt }"
  const files = writeFiles({ 'lab.crt': certificatePem, 'gw.yaml': `${own}${control}\n${lab}\n` })
  const config = loadGatewayConfig(files['gw.yaml'], {})
  const today = openLabTrust(config, Date.now())
  expect(today.issuers.map(({ purpose }) => purpose)).toEqual(['lab'])
  expect(said).not.toHaveBeenCalled()
  expect(openLabTrust(config, Date.now() + 2 * DAY_MS).issuers).toEqual([])
  expect(said).toHaveBeenCalledWith(expect.stringContaining('lab.issuer: expired on'))
})

import { createPublicKey } from 'node:crypto'
import { expect, test } from 'vitest'
import { createRequest } from '../../src/certs/index.ts'
import { x509 } from '../../src/certs/x509.ts'

test('asks for the names and usages of the role, with a key of its own', async () => {
  for (const key of ['ec-p256', 'ec-p384', 'rsa-2048'] as const) {
    const { requestPem, privateKeyPem } = await createRequest({
      role: 'tls',
      commonName: 'gateway.example',
      organization: 'Example',
      names: ['gateway.example', 'gw1.example', '192.0.2.1'],
      key,
      hash: 'sha384',
    })
    const request = new x509.Pkcs10CertificateRequest(requestPem)
    expect(await request.verify()).toBe(true)
    expect(request.subject).toBe('CN=gateway.example, O=Example')
    const spki = createPublicKey(privateKeyPem).export({ type: 'spki', format: 'der' })
    expect(Buffer.from(request.publicKey.rawData)).toEqual(spki)
    const usage = request.extensions.find((found) => found instanceof x509.KeyUsagesExtension)
    const { digitalSignature, keyEncipherment } = x509.KeyUsageFlags
    expect(usage?.usages).toBe(
      key === 'rsa-2048' ? digitalSignature | keyEncipherment : digitalSignature,
    )
    const names = request.extensions.find(
      (found) => found instanceof x509.SubjectAlternativeNameExtension,
    )
    expect(names?.names.toJSON().map(({ value }) => value)).toEqual([
      'gateway.example',
      'gw1.example',
      '192.0.2.1',
    ])
  }
})

test('refuses a name that is none', async () => {
  await expect(
    createRequest({ role: 'tls', commonName: 'x', organization: 'x', names: ['a b'] }),
  ).rejects.toThrow('names: a b is neither a DNS name nor an address')
})

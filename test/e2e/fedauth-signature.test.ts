import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect } from 'vitest'
import { createAuthority, issueCertificate, type KeyPair } from '../../src/certs/index.ts'
import { Secret } from '../../src/lib/index.ts'
import { createIssuer, createTrustList, verifyFedAuthToken } from '../../src/tokens/index.ts'
import { runProgram, testWithPrograms } from '../helpers/programs.ts'

const CLAIMS = { dst: 'hv1.example:2179', exp: Math.floor(Date.now() / 1000) + 600 }
const SIGNED_TEXT = `Host=hv1.example&Port=2179&ExpiresOn=${CLAIMS.exp}`

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'portcullis-fedauth-'))
})

afterEach(() => rm(directory, { recursive: true }))

async function createPair(key: 'rsa-2048' | 'rsa-4096'): Promise<KeyPair> {
  const common = { organization: 'Example', notBefore: new Date(Date.now() - 60_000), days: 2 }
  const authority = await createAuthority({ ...common, commonName: 'Authority' })
  const leaf = { ...common, days: 1, authority, role: 'issuer', commonName: 'Issuer' } as const
  return issueCertificate({ ...leaf, key })
}

async function write(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(directory, name)
  await writeFile(path, content)
  return path
}

for (const key of ['rsa-2048', 'rsa-4096'] as const) {
  testWithPrograms(['openssl'], `OpenSSL verifies a FedAuth token signed with ${key}`, async () => {
    const pair = await createPair(key)
    const { signFedAuth } = await createIssuer(pair)
    const token = (await signFedAuth?.(CLAIMS))?.token.reveal() ?? ''
    const [text = '', tail = ''] = token.split('&Signature=')
    const [version, hash, thumbprint, encoded = ''] = tail.split('|')
    expect(text).toBe(SIGNED_TEXT)
    const certificate = await write('issuer.crt', pair.certificatePem)
    const fingerprint = ['-noout', '-fingerprint', '-sha1']
    const sha1 = await runProgram('openssl', ['x509', '-in', certificate, ...fingerprint])
    expect([version, hash]).toEqual(['1', 'SHA256'])
    expect(sha1.trim().split('=')[1]?.replaceAll(':', '')).toBe(thumbprint)

    const publicKey = join(directory, 'issuer.pub')
    await runProgram('openssl', [
      'x509',
      '-in',
      certificate,
      '-pubkey',
      '-noout',
      '-out',
      publicKey,
    ])
    const signature = await write('signature', Buffer.from(decodeURIComponent(encoded), 'base64'))
    const signed = await write('signed', text)
    const verify = ['-sha256', '-verify', publicKey, '-signature', signature, signed]
    expect(await runProgram('openssl', ['dgst', ...verify])).toBe('Verified OK\n')
  })
}

const PSS = ['-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:digest']

for (const [padding, options] of Object.entries({ 'PKCS#1 v1.5': [], PSS })) {
  testWithPrograms(
    ['openssl'],
    `verifies a FedAuth token that OpenSSL signed, ${padding}`,
    async () => {
      const pair = await createPair('rsa-2048')
      const { certificate } = await createIssuer(pair)
      const key = await write('issuer.key', pair.privateKeyPem)
      const signed = await write('signed', SIGNED_TEXT)
      const out = join(directory, 'signature')
      await runProgram('openssl', [
        'dgst',
        '-sha256',
        '-sign',
        key,
        ...options,
        '-out',
        out,
        signed,
      ])
      const base64 = await runProgram('openssl', ['base64', '-A', '-in', out])
      const signature = ['1', 'SHA256', certificate.sha1Thumbprint, encodeURIComponent(base64)]
      const token = new Secret(`${SIGNED_TEXT}&Signature=${signature.join('|')}`)
      const trust = createTrustList([{ certificate, purpose: 'gateway' }], Date.now())
      const verified = await verifyFedAuthToken(token, { trust, nowMs: Date.now() })
      expect(verified.claims).toMatchObject(CLAIMS)
    },
  )
}

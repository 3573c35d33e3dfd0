import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { type KeyPair, readCertificate } from '../../src/certs/index.ts'
import {
  createPublisher,
  type Publisher,
  parseRdpFile,
  signRdpFile,
  verifyRdpFile,
} from '../../src/rdpfile/index.ts'
import { runProgram, testWithPrograms } from '../helpers/programs.ts'
import { textOf, unsignedFile } from '../rdpfile/signing.ts'

/** Signatures by our code, looked at by somebody else's. The chain has an intermediate, as an enterprise's would. */
describe('the signature of an .rdp file', () => {
  let scratch: string
  let publisher: Publisher
  const path = (name: string) => join(scratch, name)
  const openssl = (...args: string[]) => runProgram('openssl', args, { cwd: scratch })

  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'portcullis-signature-'))
    await createChain()
    publisher = createPublisher(await readPair('intermediate.crt', 'root.crt'))
  })
  afterAll(() => rm(scratch, { recursive: true, force: true }))

  testWithPrograms(['openssl'], 'verifies in openssl cms, over the file as it stands', async () => {
    const file = await signRdpFile(unsignedFile(), publisher)
    await writeFile(path('message'), messageOf(file))
    await writeFile(path('signature.der'), cmsOf(file))
    const verify = ['cms', '-verify', '-binary', '-inform', 'DER', '-in', 'signature.der']
    const against = ['-CAfile', 'root.crt', '-purpose', 'any', '-out', 'verified']
    await openssl(...verify, '-content', 'message', ...against)
    expect(await readFile(path('verified'))).toEqual(await readFile(path('message')))

    await writeFile(path('other'), messageOf(file).toString('latin1').replace('3', '4'), 'latin1')
    await expect(openssl(...verify, '-content', 'other', ...against)).rejects.toThrow(
      'ended with 4',
    )
  })

  testWithPrograms(
    ['openssl'],
    'is byte for byte what openssl makes of key and message',
    async () => {
      // Without intermediates: OpenSSL writes them in front of the leaf, where readers find either.
      const file = await signRdpFile(unsignedFile(), createPublisher(await readPair()))
      await writeFile(path('message'), messageOf(file))
      await openssl(
        ...['smime', '-sign', '-binary', '-noattr', '-nosmimecap', '-md', 'sha256'],
        ...['-signer', 'leaf.crt', '-inkey', 'leaf.key'],
        ...['-in', 'message', '-outform', 'DER', '-out', 'theirs.der'],
      )
      expect(cmsOf(file).equals(await readFile(path('theirs.der')))).toBe(true)
    },
  )

  testWithPrograms(['openssl'], 'leads our own check to the root', async () => {
    const file = await signRdpFile(unsignedFile(), publisher)
    const authorities = [readCertificate(await readFile(path('root.crt'), 'utf8'))]
    const { verdict } = verifyRdpFile(file, { nowMs: Date.now(), authorities })
    expect(verdict).toBe('valid')
  })

  async function readPair(...chain: string[]): Promise<KeyPair> {
    const read = (name: string) => readFile(path(name), 'utf8')
    const certificates = await Promise.all(['leaf.crt', ...chain].map(read))
    return { certificatePem: certificates.join(''), privateKeyPem: await read('leaf.key') }
  }

  async function createChain(): Promise<void> {
    const key = ['-newkey', 'rsa:2048', '-nodes', '-keyout']
    const root = ['-x509', '-subj', '/CN=Root', '-days', '2', '-out', 'root.crt']
    await openssl('req', ...key, 'root.key', ...root)
    await issue('root', 'intermediate', 'basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign\n')
    await issue(
      'intermediate',
      'leaf',
      'keyUsage=critical,digitalSignature\nextendedKeyUsage=codeSigning\n',
    )
  }

  async function issue(by: string, name: string, extensions: string): Promise<void> {
    await writeFile(path(`${name}.ext`), extensions)
    const request = ['-subj', `/CN=${name}`, '-out', `${name}.csr`]
    await openssl('req', '-newkey', 'rsa:2048', '-nodes', '-keyout', `${name}.key`, ...request)
    await openssl(
      ...['x509', '-req', '-in', `${name}.csr`, '-CA', `${by}.crt`, '-CAkey', `${by}.key`],
      ...['-CAcreateserial', '-days', '1', '-extfile', `${name}.ext`, '-out', `${name}.crt`],
    )
  }
})

/** The signed message, cut out of the file as its scope says: not by the code that signed it. */
function messageOf(file: Uint8Array): Buffer {
  const lines = textOf(file).split('\r\n')
  const scopeLine = lines.find((line) => line.startsWith('signscope:s:')) ?? ''
  const covered = scopeLine
    .slice('signscope:s:'.length)
    .split(',')
    .map((name) => lines.find((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`)))
  return Buffer.from(`${[...covered, scopeLine].join('\r\n')}\r\n\0`, 'utf16le')
}

/** What follows the header of 12 bytes. */
function cmsOf(file: Uint8Array): Buffer {
  const value = parseRdpFile(file).get('signature') ?? ''
  return Buffer.from(value.replaceAll(' ', ''), 'base64').subarray(12)
}

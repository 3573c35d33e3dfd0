import { beforeAll, expect, test } from 'vitest'
import { register } from '../../src/cli/rdp.ts'
import { signRdpFile } from '../../src/rdpfile/index.ts'
import { createSigning, fileOf, type Signing, textOf, unsignedFile } from '../rdpfile/signing.ts'
import { runCommand, writeFiles } from './run-command.ts'

let signing: Signing
let signed: Uint8Array
beforeAll(async () => {
  signing = await createSigning(Date.now())
  signed = await signRdpFile(unsignedFile(), signing.publisher)
})

const verify = (...args: string[]) => runCommand(register, ['rdp', 'verify', ...args])

test('shows verdict and publisher, with the thumbprint for the group policy', async () => {
  const files = writeFiles({ file: signed, ca: signing.authority.certificatePem })
  const { stdout, stderr, exitCode } = await verify(files.file, '--ca', files.ca)
  expect(exitCode).toBe(0)
  expect(stderr).toBe('')
  expect(stdout.toString()).toContain('verdict    valid\npublisher  CN=Test publisher, O=Test\n')
  expect(stdout.toString()).toContain(
    `SHA-1      ${signing.publisher.certificate.sha1Thumbprint} (for the group policy`,
  )
})

test('says that nobody has looked at the authority when none is named', async () => {
  const { stderr, exitCode } = await verify(writeFiles({ file: signed }).file)
  expect(exitCode).toBe(0)
  expect(stderr).toContain('whether CN=Test CA, O=Test may be trusted was not checked: --ca')
})

test('ends with 1 and the reason when a file is not valid', async () => {
  const foreign = await createSigning(Date.now())
  const files = writeFiles({
    unsigned: unsignedFile(),
    altered: fileOf(textOf(signed).replace('redirectdrives:i:0', 'redirectdrives:i:1')),
    signed,
    foreign: foreign.authority.certificatePem,
    nonsense: 'nonsense',
  })
  const cases: Array<[string[], string]> = [
    [[files.unsigned], 'signature-missing: the file is not signed'],
    [[files.altered], 'signature-altered: a setting differs from what was signed'],
    [[files.signed, '--ca', files.foreign], 'publisher-untrusted: '],
    [[files.nonsense], 'line 1: need name:type:value'],
  ]
  for (const [args, message] of cases) {
    const { stderr, exitCode } = await verify(...args)
    expect(stderr).toContain(`portcullis: ${message}`)
    expect(exitCode, message).toBe(1)
  }
})

test('gives scripts the same as JSON', async () => {
  const files = writeFiles({ signed, unsigned: unsignedFile() })
  const { sha1Thumbprint, sha256Thumbprint } = signing.publisher.certificate
  expect(JSON.parse((await verify(files.signed, '--json')).stdout.toString())).toMatchObject({
    verdict: 'valid',
    publisher: { subject: 'CN=Test publisher, O=Test', sha1Thumbprint, sha256Thumbprint },
  })
  expect(JSON.parse((await verify(files.unsigned, '--json')).stdout.toString())).toEqual({
    verdict: 'signature-missing',
    detail: 'the file is not signed',
  })
})

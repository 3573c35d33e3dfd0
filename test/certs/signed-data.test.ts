import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import {
  type Certificate,
  createAuthority,
  decodeSignedData,
  prepareSignedData,
  readCertificate,
} from '../../src/certs/index.ts'
import { BrokerError } from '../../src/lib/index.ts'

const SIGNATURE_BYTES = 256
const signature = new Uint8Array(SIGNATURE_BYTES).fill(7)
let signer: Certificate
let other: Certificate
let der: Uint8Array

beforeAll(async () => {
  const create = async (commonName: string) =>
    readCertificate(
      (
        await createAuthority({
          commonName,
          organization: 'Test',
          notBefore: new Date(),
          days: 1,
        })
      ).certificatePem,
    )
  signer = await create('Signer')
  other = await create('Other')
  der = prepareSignedData([signer, other], SIGNATURE_BYTES)(signature)
})

test('gives back what was put in, certificates as they were', () => {
  const read = decodeSignedData(der)
  expect(read.digest).toBe('sha256')
  expect(read.signature).toEqual(Buffer.from(signature))
  expect(read.signer.sha256Thumbprint).toBe(signer.sha256Thumbprint)
  expect(read.certificates.map(({ sha256Thumbprint }) => sha256Thumbprint)).toEqual([
    signer.sha256Thumbprint,
    other.sha256Thumbprint,
  ])
})

test('takes a signature of the right length only', () => {
  const wrap = prepareSignedData([signer], SIGNATURE_BYTES)
  expect(() => wrap(new Uint8Array(255))).toThrow('need 256 bytes, have 255')
})

test('names what it does not accept', () => {
  const hex = Buffer.from(der).toString('hex')
  const changed = (from: string, to: string) => {
    expect(hex).toContain(from)
    return Buffer.from(hex.replace(from, to), 'hex')
  }
  const refused: Array<[Uint8Array, string]> = [
    [changed('2a864886f70d010702', '2a864886f70d010703'), 'content type 1.2.840.113549.1.7.3'],
    [changed('300b06092a864886f70d010701', '300b06092a864886f70d010709'), 'signs no plain data'],
    [
      Buffer.from(hex.replaceAll('608648016503040201', '608648016503040204'), 'hex'),
      'digest 2.16.840.1.101.3.4.2.4 is not accepted',
    ],
    [
      changed('06092a864886f70d010101', '06092a864886f70d01010a'),
      'algorithm 1.2.840.113549.1.1.10 is not accepted',
    ],
    [Buffer.concat([der, Buffer.from([0])]), 'signature: '],
    [new Uint8Array(65_537), '65537 bytes, may have 65536'],
  ]
  for (const [bytes, message] of refused) {
    expect(() => decodeSignedData(bytes), message).toThrow(message)
  }
})

test('a signer whose certificate is not there is no signer', () => {
  const hex = Buffer.from(der).toString('hex')
  const serialAt = hex.lastIndexOf(Buffer.from(signer.der).toString('hex').slice(30, 62))
  expect(serialAt).toBeGreaterThan(0)
  const bytes = Buffer.from(der)
  bytes[serialAt / 2] = (bytes[serialAt / 2] ?? 0) ^ 1
  expect(() => decodeSignedData(bytes)).toThrow("the signer's certificate is missing")
})

test('any cut and any bytes are ERR_CERTIFICATE', () => {
  const refuses = (bytes: Uint8Array) => {
    try {
      decodeSignedData(bytes)
    } catch (error) {
      expect(error).toBeInstanceOf(BrokerError)
      return
    }
    expect.unreachable('was taken')
  }
  fc.assert(fc.property(fc.nat(der.length - 1), (length) => refuses(der.subarray(0, length))))
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), refuses))
  // Nested as deep as 64 KiB allow.
  refuses(Buffer.alloc(60_000, Buffer.from([0x30, 0x80])))
})

import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { createAuthority, readCertificate } from '../../src/certs/index.ts'
import { BrokerError } from '../../src/lib/index.ts'
import {
  createPublisher,
  parseRdpFile,
  type RdpSetting,
  renderRdpFile,
  SIGNABLE_SETTINGS,
  signRdpFile,
  verifyRdpFile,
} from '../../src/rdpfile/index.ts'
import { createSigning, fileOf, NOW_MS, type Signing, textOf, unsignedFile } from './signing.ts'

let signing: Signing
let signed: Uint8Array
beforeAll(async () => {
  signing = await createSigning()
  signed = await signRdpFile(unsignedFile(), signing.publisher)
})

const verdictOf = (file: Uint8Array) => verifyRdpFile(file, { nowMs: NOW_MS }).verdict

test('what was signed is valid, and says by whom', () => {
  const authorities = [readCertificate(signing.authority.certificatePem)]
  const { verdict, publisher } = verifyRdpFile(signed, { nowMs: NOW_MS, authorities })
  expect(verdict).toBe('valid')
  expect(publisher?.sha1Thumbprint).toBe(signing.publisher.certificate.sha1Thumbprint)
})

test('it stays valid in UTF-8 and with an unbroken signature', () => {
  const text = textOf(signed).replaceAll('  ', '')
  expect(verdictOf(Buffer.from(text))).toBe('valid')
})

test('a file without a signature, or with a half of one', () => {
  expect(verdictOf(unsignedFile())).toBe('signature-missing')
  const withoutLine = (start: string) =>
    fileOf(textOf(signed).replace(new RegExp(`${start}:.*\r\n`), ''))
  expect(verdictOf(withoutLine('signature'))).toBe('signature-broken')
  expect(verdictOf(withoutLine('signscope'))).toBe('signature-broken')
})

const signable = new Set<string>(SIGNABLE_SETTINGS.map((name) => name.toLowerCase()))
const settings = (file: Uint8Array): RdpSetting[] => [...parseRdpFile(file).settings]

/** The signed file with another value in one setting. */
const change = (name: string, to: (value: string) => string): Uint8Array =>
  renderRdpFile(
    settings(signed).map((setting) =>
      setting.name === name ? { ...setting, value: to(setting.value) } : setting,
    ),
  )

test('any other value of a covered setting is an alteration, of any other setting none', () => {
  const rows = settings(signed).filter(({ name }) => !['signscope', 'signature'].includes(name))
  fc.assert(
    fc.property(
      fc.constantFrom(...rows),
      fc.stringMatching(/^[a-z0-9.]{1,20}$/),
      fc.integer({ min: 0, max: 99_999 }),
      ({ name, type, value }, text, number) => {
        const other = type === 'i' ? String(number) : text
        fc.pre(other !== value)
        const changed = settings(signed).map((setting) =>
          setting.name === name ? { ...setting, value: other } : setting,
        )
        const expected = signable.has(name) ? 'signature-altered' : 'valid'
        expect(verdictOf(renderRdpFile(changed))).toBe(expected)
      },
    ),
  )
})

test('a covered line that goes, or a signable one that comes, is an alteration', () => {
  for (const name of SIGNABLE_SETTINGS.map((display) => display.toLowerCase())) {
    const present = settings(signed)
    const changed = present.some((setting) => setting.name === name)
      ? present.filter((setting) => setting.name !== name)
      : [...present, { name, type: 's' as const, value: 'x' }]
    expect(verdictOf(renderRdpFile(changed)), name).toBe('signature-altered')
  }
})

test('any other scope is an alteration', () => {
  for (const to of [
    (scope: string) => scope.replace('Full Address,', ''),
    (scope: string) => scope.toLowerCase(),
    (scope: string) => `${scope},Full Address`,
    () => '',
  ]) {
    expect(verdictOf(change('signscope', to))).toBe('signature-altered')
  }
})

test('any other bit of header, certificate or signature is not valid', () => {
  const authorities = [readCertificate(signing.authority.certificatePem)]
  const value = Buffer.from(
    parseRdpFile(signed).get('signature')?.replaceAll(' ', '') ?? '',
    'base64',
  )
  const { der } = signing.publisher.certificate
  const certificateAt = value.indexOf(der)
  const position = fc.oneof(
    fc.integer({ min: 0, max: 11 }),
    fc.integer({ min: certificateAt, max: certificateAt + der.length - 1 }),
    fc.integer({ min: value.length - 256, max: value.length - 1 }),
  )
  fc.assert(
    fc.property(position, fc.integer({ min: 0, max: 7 }), (at, bit) => {
      const bytes = Buffer.from(value)
      bytes[at] = (bytes[at] ?? 0) ^ (1 << bit)
      const file = change('signature', () => bytes.toString('base64'))
      expect(verifyRdpFile(file, { nowMs: NOW_MS, authorities }).verdict).not.toBe('valid')
    }),
    { numRuns: 300 },
  )
})

test('random signatures are broken, and nothing is thrown', () => {
  const [head = ''] = textOf(signed).split('signature:s:')
  const header = Buffer.from('0100010001000000', 'hex')
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, withHeader) => {
      const length = Buffer.alloc(4)
      length.writeUInt32LE(bytes.length)
      const value = withHeader ? Buffer.concat([header, length, bytes]) : Buffer.from(bytes)
      expect(verdictOf(fileOf(`${head}signature:s:${value.toString('base64')}\r\n`))).toBe(
        'signature-broken',
      )
    }),
  )
})

test("the publisher's time and authority are judged after the signature", async () => {
  const { notAfter } = signing.publisher.certificate
  const late = verifyRdpFile(signed, { nowMs: notAfter.getTime() + 1 })
  expect(late.verdict).toBe('publisher-outside-window')

  const other = await createAuthority({
    commonName: 'Test CA',
    organization: 'Test',
    notBefore: new Date(NOW_MS),
    days: 1,
  })
  const authorities = [readCertificate(other.certificatePem)]
  const foreign = verifyRdpFile(signed, { nowMs: NOW_MS, authorities })
  expect(foreign.verdict).toBe('publisher-untrusted')
  expect(foreign.publisher?.subject).toContain('Test publisher')
})

test('carries intermediates, but no root, so that the chain can be followed', async () => {
  const { authority, pair } = signing
  const certificatePem = `${pair.certificatePem}\n${authority.certificatePem}`
  const file = await signRdpFile(unsignedFile(), createPublisher({ ...pair, certificatePem }))
  expect(textOf(file)).toBe(textOf(signed))
})

test('what is no .rdp file is refused', () => {
  expect(() => verifyRdpFile(Buffer.from('nonsense'), { nowMs: NOW_MS })).toThrow(BrokerError)
})

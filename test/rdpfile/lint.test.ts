import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { lintRdpFile, signRdpFile } from '../../src/rdpfile/index.ts'
import { createSigning, fileOf, NOW_MS, type Signing, textOf, unsignedFile } from './signing.ts'

let signing: Signing
beforeAll(async () => {
  signing = await createSigning()
})

const lint = (file: Uint8Array) => lintRdpFile(file, { nowMs: NOW_MS })
const codes = (file: Uint8Array) => lint(file).map(({ code }) => code)
/** Findings of our own unsigned file with some text of it changed, apart from the missing signature. */
const findingsAfter = (from: string | RegExp, to: string) =>
  lint(fileOf(textOf(unsignedFile()).replace(from, to))).filter(
    ({ code }) => code !== 'signature-missing',
  )

test('finds nothing in a signed file of ours, and only the signature missing in an unsigned one', async () => {
  expect(lint(await signRdpFile(unsignedFile(), signing.publisher))).toEqual([])
  expect(lint(unsignedFile())).toEqual([
    {
      code: 'signature-missing',
      severity: 'error',
      message: 'the file is not signed',
      fix: 'name a publisher in the configuration of the broker, or sign it with rdpsign',
    },
  ])
})

test('each setting that is not as it should be is one finding, with its fix', () => {
  const long = (length: number) => `gatewayaccesstoken:s:${'x'.repeat(length)}`
  const cases: Array<[string | RegExp, string, string, string]> = [
    ['full address:s:192.0.2.10:3389', 'full address:s:', 'address-missing', 'take a new file'],
    [
      /\nalternate full address:[^\r]*/,
      '\nalternate full address:s:evil',
      'address-differs',
      'make',
    ],
    ['gatewayhostname:s:gw.example:9443\r\n', '', 'gateway-missing', "write the farm's address"],
    ['usagemethod:i:1', 'usagemethod:i:2', 'gateway-optional', 'write gatewayusagemethod:i:1'],
    ['usagemethod:i:1', 'usagemethod:i:0', 'gateway-optional', 'write gatewayusagemethod:i:1'],
    ['source:i:5', 'source:i:4', 'token-unused', 'write gatewaycredentialssource:i:5'],
    ['gatewayaccesstoken:s:aaa.bbb.ccc', long(0), 'token-missing', 'take a new file'],
    ['gatewayaccesstoken:s:aaa.bbb.ccc', long(801), 'token-long', 'sign tokens with an EC'],
    ['gatewayaccesstoken:s:aaa.bbb.ccc', long(1501), 'token-long', 'sign tokens with an EC'],
    ['pcb', 'username:s:joe\r\npcb', 'credentials', 'remove the line'],
    ['authentication level:i:2', 'authentication level:i:0', 'server-unchecked', 'write auth'],
    ['alternate shell:s:', 'alternate shell:s:cmd', 'other-program', 'write alternate shell:s:'],
    ['applicationmode:i:0', 'applicationmode:i:1', 'other-program', 'write remoteapplicationmode'],
    ['redirectclipboard:i:0', 'redirectclipboard:i:1', 'redirection-on', 'write redirectclipboard'],
    ['drivestoredirect:s:', 'drivestoredirect:s:*', 'redirection-on', 'write drivestoredirect:s:'],
    ['redirectprinters:i:0\r\n', '', 'not-explicit', 'write redirectprinters:i:0'],
    ['usbdevicestoredirect:s:\r\n', '', 'not-explicit', 'write usbdevicestoredirect:s:'],
    ['prompt for credentials:i:0\r\n', '', 'not-explicit', 'write prompt for credentials:i:0'],
  ]
  for (const [from, to, code, fix] of cases) {
    const start = from === 'pcb' ? /^/ : from
    const findings = findingsAfter(start, from === 'pcb' ? 'username:s:joe\r\n' : to)
    expect(
      findings.map((finding) => finding.code),
      to,
    ).toEqual([code])
    expect(findings[0]?.fix).toContain(fix)
  }
})

test('never repeats a token', () => {
  const token = 'x'.repeat(2000)
  const findings = findingsAfter('aaa.bbb.ccc', token)
  expect(JSON.stringify(findings)).not.toContain('xxx')
})

test('how the file is written: encoding, line ends, lines, duplicates', () => {
  const text = textOf(unsignedFile())
  expect(codes(Buffer.from(text))).toEqual(['encoding', 'signature-missing'])
  expect(codes(fileOf(text.replaceAll('\r\n', '\n')))).toEqual(['line-end', 'signature-missing'])
  // Its mark is missing: refused by clients, read here for the rest.
  expect(codes(Buffer.from(text, 'utf16le'))).toEqual(['encoding'])
  expect(codes(new Uint8Array([0xff, 0xfe, 0x61]))).toEqual(['encoding'])
  expect(codes(fileOf('\r\n'.repeat(1001)))).toContain('not-readable')

  expect(findingsAfter('server port:i:3389', 'server port:i:many')).toMatchObject([
    { code: 'not-readable', line: 3, severity: 'error' },
  ])
  expect(findingsAfter(/$/, 'Full Address:s:evil\r\n')).toMatchObject([
    { code: 'duplicate', setting: 'full address', line: 46, severity: 'error' },
  ])
})

test('a changed file is told apart from a broken signature and from a foreign publisher', async () => {
  const text = textOf(await signRdpFile(unsignedFile(), signing.publisher))
  expect(codes(fileOf(text.replaceAll('192.0.2.10', '192.0.2.11')))).toEqual(['signature-altered'])
  expect(codes(fileOf(text.replace('AQAB', 'AQAC')))).toEqual(['signature-broken'])
  const late = lintRdpFile(fileOf(text), { nowMs: NOW_MS + 365 * 24 * 60 * 60_000 })
  expect(late.map(({ code }) => code)).toEqual(['publisher-outside-window'])
})

test('random bytes and lines give findings, nothing is thrown', () => {
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array(), fc.string().map(Buffer.from)), (bytes) => {
      expect(lint(bytes)).not.toEqual([])
    }),
  )
})

import { beforeAll, expect, test } from 'vitest'
import {
  CONSOLE_SETTINGS,
  parseRdpFile,
  renderRdpFile,
  SIGNABLE_SETTINGS,
  signRdpFile,
} from '../../src/rdpfile/index.ts'
import { createSigning, fileOf, type Signing, textOf, unsignedFile } from './signing.ts'

let signing: Signing
beforeAll(async () => {
  signing = await createSigning()
})

test('covers every signable setting in the order of rdpsign.exe, and appends scope and signature', async () => {
  const signed = textOf(await signRdpFile(unsignedFile(), signing.publisher))
  const [signatureLine, scopeLine, ...rest] = signed.trimEnd().split('\r\n').reverse()
  expect(`${rest.reverse().join('\r\n')}\r\n`).toBe(textOf(unsignedFile()))
  expect(scopeLine).toBe(
    'signscope:s:Full Address,Alternate Full Address,Use Redirection Server Name,Server Port,' +
      'Negotiate Security Layer,EnableCredSspSupport,DisableConnectionSharing,AutoReconnection Enabled,' +
      'GatewayHostname,GatewayUsageMethod,GatewayProfileUsageMethod,GatewayCredentialsSource,' +
      'PromptCredentialOnce,Alternate Shell,RemoteApplicationMode,Prompt For Credentials,' +
      'Authentication Level,AudioMode,RedirectDrives,RedirectPrinters,RedirectCOMPorts,' +
      'RedirectSmartCards,RedirectPOSDevices,RedirectClipboard,DevicesToRedirect,DrivesToRedirect,' +
      'RedirectDirectX,EnableRdsAadAuth,RedirectWebAuthn',
  )
  expect(signatureLine).toMatch(/^signature:s:AQABAAEAAA/)
})

test('breaks the signature by two blanks after every 64 characters', async () => {
  const signature = parseRdpFile(await signRdpFile(unsignedFile(), signing.publisher)).get(
    'signature',
  )
  const pieces = signature?.split('  ') ?? []
  expect(pieces.length).toBeGreaterThan(20)
  for (const piece of pieces.slice(0, -1)) expect(piece).toHaveLength(64)
  expect(pieces.at(-1)?.length).toBeLessThanOrEqual(64)
})

test('signs exactly the lines, the scope and a NUL in UTF-16LE', async () => {
  let message: Uint8Array = new Uint8Array()
  const file = fileOf(
    ['pcb:s:g', 'screen mode id:i:1', 'AUDIOMODE:i:2', 'full address:s:h:3389 \r\n'].join('\r\n'),
  )
  const signed = await signRdpFile(file, {
    ...signing.publisher,
    async sign(bytes) {
      message = bytes
      return new Uint8Array([1, 2, 3])
    },
  })
  const scope = 'signscope:s:Full Address,Alternate Full Address,PCB,AudioMode\r\n'
  const address = 'full address:s:h:3389\r\nalternate full address:s:h:3389\r\n'
  expect(Buffer.from(message).toString('utf16le')).toBe(
    `${address}pcb:s:g\r\nAUDIOMODE:i:2\r\n${scope}\0`,
  )
  expect(textOf(signed)).toContain('full address:s:h:3389 \r\nalternate full address:s:h:3389 \r\n')
  const header = '0100010001000000' + '03000000'
  const value = Buffer.from(`${header}010203`, 'hex').toString('base64')
  expect(parseRdpFile(signed).get('signature')).toBe(value)
})

test('replaces a signature that is there already', async () => {
  const once = await signRdpFile(unsignedFile(), signing.publisher)
  expect(textOf(await signRdpFile(once, signing.publisher))).toBe(textOf(once))
})

test('refuses a file that leads nowhere, and one with a setting twice', async () => {
  const nowhere = renderRdpFile([{ name: 'pcb', type: 's', value: 'g' }])
  await expect(signRdpFile(nowhere, signing.publisher)).rejects.toThrow('full address: missing')
  const twice = fileOf('full address:s:a\r\nfull address:s:b\r\n')
  await expect(signRdpFile(twice, signing.publisher)).rejects.toThrow('full address is there twice')
})

test('a publisher that fails gives no file', async () => {
  const publisher = { ...signing.publisher, sign: () => Promise.reject(new Error('no key')) }
  await expect(signRdpFile(unsignedFile(), publisher)).rejects.toThrow('no key')
})

test('the table of settings and the scope agree on what can be signed', () => {
  const signable = new Set(SIGNABLE_SETTINGS.map((name) => name.toLowerCase()))
  expect(SIGNABLE_SETTINGS).toHaveLength(47)
  for (const row of CONSOLE_SETTINGS) expect(row.signable, row.name).toBe(signable.has(row.name))
})

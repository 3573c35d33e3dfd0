import { expect, test } from 'vitest'
import { Secret } from '../../src/lib/index.ts'
import {
  CONSOLE_SETTINGS,
  type ConsoleFileInput,
  parseRdpFile,
  renderConsoleFile,
} from '../../src/rdpfile/index.ts'

const input: ConsoleFileInput = {
  kind: 'rdp',
  host: '192.0.2.10',
  port: 3389,
  gatewayAddress: 'gw.example:9443',
  gatewayToken: new Secret('aaa.bbb.ccc'),
}
const GUID = '5f0fd5ae-5e1b-4c9e-9a4e-0f35f6b7a1c2'

test('writes the whole console profile for kind rdp', () => {
  const bytes = renderConsoleFile(input)
  expect([...bytes.subarray(0, 4)]).toEqual([0xff, 0xfe, 'f'.charCodeAt(0), 0])
  expect(Buffer.from(bytes).toString('utf16le')).toBe(
    `\ufeff${[
      'full address:s:192.0.2.10:3389',
      'alternate full address:s:192.0.2.10:3389',
      'server port:i:3389',
      'gatewayhostname:s:gw.example:9443',
      'gatewayusagemethod:i:1',
      'gatewayprofileusagemethod:i:1',
      'gatewaycredentialssource:i:5',
      'gatewayaccesstoken:s:aaa.bbb.ccc',
      'promptcredentialonce:i:0',
      'prompt for credentials:i:0',
      'authentication level:i:2',
      'negotiate security layer:i:1',
      'enablecredsspsupport:i:1',
      'enablerdsaadauth:i:0',
      'use redirection server name:i:0',
      'disableconnectionsharing:i:1',
      'alternate shell:s:',
      'remoteapplicationmode:i:0',
      'autoreconnection enabled:i:0',
      'bandwidthautodetect:i:0',
      'networkautodetect:i:0',
      'connection type:i:6',
      'compression:i:1',
      'videoplaybackmode:i:0',
      'keyboardhook:i:1',
      'public mode:i:1',
      'audiomode:i:2',
      'audiocapturemode:i:0',
      'redirectclipboard:i:0',
      'redirectprinters:i:0',
      'redirectcomports:i:0',
      'redirectsmartcards:i:0',
      'redirectposdevices:i:0',
      'redirectdirectx:i:0',
      'redirectdrives:i:0',
      'drivestoredirect:s:',
      'devicestoredirect:s:',
      'usbdevicestoredirect:s:',
      'camerastoredirect:s:',
      'redirectwebauthn:i:0',
      'redirectlocation:i:0',
      'screen mode id:i:1',
      'use multimon:i:0',
      'dynamic resolution:i:0',
      'smart sizing:i:1',
      '',
    ].join('\r\n')}`,
  )
})

test('each kind gets its own security settings', () => {
  const settingsOf = (changes: Partial<ConsoleFileInput>) => {
    const file = parseRdpFile(renderConsoleFile({ ...input, ...changes }))
    return [file.get('negotiate security layer'), file.get('enablecredsspsupport'), file.get('pcb')]
  }
  expect(settingsOf({ kind: 'rdp', vmg: GUID })).toEqual(['1', '1', undefined])
  expect(settingsOf({ kind: 'rdp', networkLevelAuthentication: false })).toEqual([
    '1',
    '0',
    undefined,
  ])
  expect(settingsOf({ kind: 'hyperv', vmg: GUID })).toEqual(['0', '1', GUID])
  const endpointFedAuth = new Secret('VMID=x&y')
  expect(settingsOf({ kind: 'hyperv', vmg: GUID, endpointFedAuth })).toEqual(['1', '0', GUID])
  const text = `${GUID};Token=aaaa.bbbb.cccc`
  const agent = { kind: 'agent', vmg: GUID, preconnectionText: new Secret(text) } as const
  expect(settingsOf(agent)).toEqual(['1', '0', text])
  expect(() => settingsOf({ kind: 'agent', vmg: GUID })).toThrow('needs a host token')

  const enhanced = { vmg: GUID, enhancedMode: true }
  expect(settingsOf({ kind: 'hyperv', ...enhanced })[2]).toBe(`${GUID};EnhancedMode=1`)
  expect(settingsOf({ ...agent, ...enhanced })[2]).toBe(text)
  expect(settingsOf({ kind: 'rdp', ...enhanced })[2]).toBeUndefined()
})

test("carries a token for Hyper-V's own, and only for that", () => {
  const hyperv = { kind: 'hyperv', vmg: GUID } as const
  const endpointFedAuth = new Secret('VMID=x&y')
  const file = parseRdpFile(renderConsoleFile({ ...input, ...hyperv, endpointFedAuth }))
  expect(file.get('endpointfedauth')).toBe('VMID=x&y')
  expect(file.get('userdstls')).toBe('1')
  const without = parseRdpFile(renderConsoleFile({ ...input, ...hyperv }))
  expect(without.get('endpointfedauth')).toBeUndefined()
  expect(without.get('userdstls')).toBeUndefined()
  const refused = 'endpointfedauth: a host of kind rdp takes none'
  expect(() => renderConsoleFile({ ...input, kind: 'rdp', endpointFedAuth })).toThrow(refused)
})

test('reconnects by itself only when the token may', () => {
  const file = parseRdpFile(renderConsoleFile({ ...input, reconnect: true }))
  expect(file.get('autoreconnection enabled')).toBe('1')
})

test('redirects what is allowed, and nothing beside it', () => {
  const changes = (redirect: ConsoleFileInput['redirect'] & {}) => {
    const usual = parseRdpFile(renderConsoleFile(input)).settings
    const file = parseRdpFile(renderConsoleFile({ ...input, redirect }))
    expect(file.settings).toHaveLength(usual.length)
    return file.settings
      .filter(({ value }, line) => value !== usual[line]?.value)
      .map(({ name, value }) => `${name}=${value}`)
  }
  expect(changes([])).toEqual([])
  expect(changes(['clipboard'])).toEqual(['redirectclipboard=1'])
  expect(changes(['pnp', 'drives', 'ports', 'printers'])).toEqual([
    'redirectprinters=1',
    'redirectcomports=1',
    'redirectdrives=1',
    'drivestoredirect=*',
    'devicestoredirect=*',
  ])
})

test('writes IPv6 targets with brackets', () => {
  const file = parseRdpFile(renderConsoleFile({ ...input, host: '2001:db8::1' }))
  expect(file.get('full address')).toBe('[2001:db8::1]:3389')
  expect(file.get('server port')).toBe('3389')
})

test('refuses values that would break out of their line or lead nowhere', () => {
  const refused: Array<[Partial<ConsoleFileInput>, string]> = [
    [{ gatewayToken: new Secret('a\r\nalternate shell:s:evil') }, 'gatewayaccesstoken: holds'],
    [{ host: 'a\nb' }, 'full address: need a host and a port'],
    [{ host: '' }, 'full address: need a host and a port'],
    [{ port: 0 }, 'full address: need a host and a port'],
    [{ gatewayAddress: 'gw.example' }, 'gatewayhostname: need host:port'],
    [{ kind: 'hyperv' }, "pcb: a host of kind hyperv needs the VM's GUID"],
    [{ kind: 'hyperv', vmg: 'x\0' }, 'pcb: holds a control character'],
  ]
  for (const [changes, message] of refused) {
    expect(() => renderConsoleFile({ ...input, ...changes })).toThrow(message)
  }
})

test('the table names each setting once and says why', () => {
  const names = CONSOLE_SETTINGS.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  for (const { why } of CONSOLE_SETTINGS) expect(why).not.toBe('')
})

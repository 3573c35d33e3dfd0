import { BrokerError, formatEndpoint, parseEndpoint, type Secret } from '../lib/index.ts'
import { type RdpSetting, renderRdpFile } from './render.ts'
import { CONSOLE_SETTINGS, type SettingName, type SettingRow } from './settings.ts'

/** What of the client's own machine the console may be given, by the settings that say so. */
const ALLOWED = {
  clipboard: { redirectclipboard: '1' },
  drives: { redirectdrives: '1', drivestoredirect: '*' },
  printers: { redirectprinters: '1' },
  ports: { redirectcomports: '1' },
  pnp: { devicestoredirect: '*' },
} as const satisfies Record<string, Partial<Record<SettingName, string>>>

export type Redirection = keyof typeof ALLOWED

/** Host kinds that an RDP client can show. */
export type ConsoleKind = 'rdp' | 'hyperv' | 'agent'

export interface ConsoleFileInput {
  kind: ConsoleKind
  /** Target host, name or literal address, exactly as the token's `dst` names it. */
  host: string
  port: number
  /** Farm address `host:port`, always with port. */
  gatewayAddress: string
  gatewayToken: Secret
  /** VM GUID; needed for `hyperv`, written for no other kind. */
  vmg?: string
  /** Text of the preconnection blob with the host token in it; needed for `agent`, and for nothing else. */
  preconnectionText?: Secret
  /** The guest's enhanced session instead of its screen; default false, `hyperv` only. */
  enhancedMode?: boolean
  /** A token that the Hyper-V host takes in place of credentials, from whoever can make one; `hyperv` only. */
  endpointFedAuth?: Secret
  /** The token has a reconnect window; default false. */
  reconnect?: boolean
  /** Default none: each redirection is written, and off. */
  redirect?: readonly Redirection[]
  /** The host asks for network level authentication; default true, `rdp` only. */
  networkLevelAuthentication?: boolean
}

/**
 * The file that opens one console, unsigned.
 *
 * @throws BrokerError `ERR_RDP_FILE` naming the setting that can't be written
 */
export function renderConsoleFile(input: ConsoleFileInput): Uint8Array {
  const values = valuesOf(input)
  return renderRdpFile(
    CONSOLE_SETTINGS.flatMap((row: SettingRow & { name: SettingName }): RdpSetting[] => {
      const value = values[row.name] ?? row.value
      return value === undefined ? [] : [{ name: row.name, type: row.type, value }]
    }),
  )
}

/** The settings that differ from console to console. */
function valuesOf(input: ConsoleFileInput): Partial<Record<SettingName, string>> {
  const { kind, gatewayAddress, gatewayToken, endpointFedAuth } = input
  const { reconnect = false, redirect = [] } = input
  if (endpointFedAuth !== undefined && kind !== 'hyperv') {
    throw unusable('endpointfedauth', `a host of kind ${kind} takes none`)
  }
  if (parseEndpoint(gatewayAddress) === undefined)
    throw unusable('gatewayhostname', 'need host:port')
  const target = parseEndpoint(formatEndpoint(input))
  if (target === undefined) throw unusable('full address', 'need a host and a port')
  const address = formatEndpoint(input)
  const blob = preconnectionBlob(input)
  return {
    'full address': address,
    'alternate full address': address,
    'server port': String(target.port),
    ...(blob === undefined ? {} : { pcb: blob }),
    gatewayhostname: gatewayAddress,
    gatewayaccesstoken: gatewayToken.reveal(),
    ...(endpointFedAuth === undefined
      ? {}
      : { endpointfedauth: endpointFedAuth.reveal(), userdstls: '1' }),
    // Hyper-V takes TLS at once for credentials; for a token X.224 comes first, and chooses RDSTLS.
    'negotiate security layer': kind === 'hyperv' && endpointFedAuth === undefined ? '0' : '1',
    enablecredsspsupport: usesCredssp(input) ? '1' : '0',
    'autoreconnection enabled': reconnect ? '1' : '0',
    ...Object.fromEntries(redirect.flatMap((name) => Object.entries<string>(ALLOWED[name]))),
  }
}

/** Text of the blob: `GUID` or `GUID;EnhancedMode=1`, [MS-RDPEPS] note 5; for our agent what it takes. */
function preconnectionBlob(input: ConsoleFileInput): string | undefined {
  const { kind, vmg, enhancedMode, preconnectionText } = input
  if (kind === 'rdp') return undefined
  if (kind === 'agent') {
    if (preconnectionText === undefined) throw unusable('pcb', 'a host agent needs a host token')
    return preconnectionText.reveal()
  }
  if (vmg === undefined) throw unusable('pcb', `a host of kind ${kind} needs the VM's GUID`)
  return enhancedMode === true ? `${vmg};EnhancedMode=1` : vmg
}

/** A host that takes a token takes it in place of credentials. */
function usesCredssp(input: ConsoleFileInput): boolean {
  const { kind, networkLevelAuthentication = true, endpointFedAuth } = input
  if (kind === 'rdp') return networkLevelAuthentication
  return kind === 'hyperv' && endpointFedAuth === undefined
}

function unusable(setting: SettingName, message: string): BrokerError {
  return new BrokerError('ERR_RDP_FILE', `${setting}: ${message}`)
}

import type { RdpSetting } from './render.ts'

/**
 * The settings that a signature can cover, as `signscope` spells them and in its order: that of rdpsign.exe. Everything else
 * in a file, its tokens among it, may be changed without breaking the signature.
 */
export const SIGNABLE_SETTINGS = [
  'Full Address',
  'Alternate Full Address',
  'PCB',
  'Use Redirection Server Name',
  'Server Port',
  'Negotiate Security Layer',
  'EnableCredSspSupport',
  'DisableConnectionSharing',
  'AutoReconnection Enabled',
  'GatewayHostname',
  'GatewayUsageMethod',
  'GatewayProfileUsageMethod',
  'GatewayCredentialsSource',
  'Support URL',
  'PromptCredentialOnce',
  'Require pre-authentication',
  'Pre-authentication server address',
  'Alternate Shell',
  'Shell Working Directory',
  'RemoteApplicationProgram',
  'RemoteApplicationExpandWorkingdir',
  'RemoteApplicationMode',
  'RemoteApplicationGuid',
  'RemoteApplicationName',
  'RemoteApplicationIcon',
  'RemoteApplicationFile',
  'RemoteApplicationFileExtensions',
  'RemoteApplicationCmdLine',
  'RemoteApplicationExpandCmdLine',
  'Prompt For Credentials',
  'Authentication Level',
  'AudioMode',
  'RedirectDrives',
  'RedirectPrinters',
  'RedirectCOMPorts',
  'RedirectSmartCards',
  'RedirectPOSDevices',
  'RedirectClipboard',
  'DevicesToRedirect',
  'DrivesToRedirect',
  'LoadBalanceInfo',
  'RedirectDirectX',
  'RDGIsKDCProxy',
  'KDCProxyName',
  'EventLogUploadAddress',
  'EnableRdsAadAuth',
  'RedirectWebAuthn',
] as const

/** Names of the two settings that make up a signature. */
export const SIGNSCOPE = 'signscope'
export const SIGNATURE = 'signature'

/**
 * The bytes that a signature is over: the covered lines, the scope's own line and a NUL, in UTF-16LE without byte order mark.
 *
 * @param scope value of `signscope`
 * @param covered the settings that it names, in its order
 */
export function signedMessage(scope: string, covered: readonly RdpSetting[]): Uint8Array {
  const lines = [...covered, { name: SIGNSCOPE, type: 's', value: scope }].map(
    ({ name, type, value }) => `${name}:${type}:${value.trimEnd()}\r\n`,
  )
  return Buffer.from(`${lines.join('')}\0`, 'utf16le')
}

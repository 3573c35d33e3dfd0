import type { SettingType } from './render.ts'

export interface SettingRow {
  name: string
  type: SettingType
  /** What a console file says unless the console is another; absent where there is no usual value. */
  value?: string
  /** Whether Microsoft's signature scope can cover it. */
  signable: boolean
  /** Why we write it. */
  why: string
}

/** What of the tenant's own machine the console gets: nothing, unless policy allows it. */
export const REDIRECTIONS = [
  row('audiomode', 'i', true, 'no sound', '2'),
  row('audiocapturemode', 'i', false, 'no microphone', '0'),
  row('redirectclipboard', 'i', true, 'no clipboard', '0'),
  row('redirectprinters', 'i', true, 'no printers', '0'),
  row('redirectcomports', 'i', true, 'no serial ports', '0'),
  row('redirectsmartcards', 'i', true, 'no smart cards', '0'),
  row('redirectposdevices', 'i', true, 'no point-of-sale devices', '0'),
  row('redirectdirectx', 'i', true, 'no DirectX redirection', '0'),
  row('redirectdrives', 'i', true, 'no drives', '0'),
  row('drivestoredirect', 's', true, 'no drives; the default is all', ''),
  row('devicestoredirect', 's', true, 'no devices; the default is all', ''),
  row('usbdevicestoredirect', 's', false, 'no USB devices; the default is all', ''),
  row('camerastoredirect', 's', false, 'no cameras', ''),
  row('redirectwebauthn', 'i', true, 'no security keys', '0'),
  row('redirectlocation', 'i', false, 'no location', '0'),
] as const satisfies SettingRow[]

/**
 * Every setting of a console file, in the order of its lines. A setting that is left out takes the
 * client's default or can be appended to a signed file, so what matters is written even where our
 * value is the documented default.
 */
export const CONSOLE_SETTINGS = [
  // Where to.
  row('full address', 's', true, 'target as the token names it'),
  row('alternate full address', 's', true, 'else one could be appended, and clients prefer it'),
  row(
    'server port',
    'i',
    true,
    'port of the target, for clients that ignore the one in the address',
  ),
  row('pcb', 's', true, 'preconnection blob: which VM of the host'),
  // Through which gateway.
  row('gatewayhostname', 's', true, 'name of the farm, with port'),
  row('gatewayusagemethod', 'i', true, 'always through the gateway', '1'),
  row('gatewayprofileusagemethod', 'i', true, 'these settings, not the user profile', '1'),
  row('gatewaycredentialssource', 'i', true, 'cookie authentication', '5'),
  row('gatewayaccesstoken', 's', false, 'the gateway token'),
  row('endpointfedauth', 's', false, "Hyper-V's own token, in place of credentials"),
  // How to sign in to the target.
  row('promptcredentialonce', 'i', true, 'the gateway has no credentials to share', '0'),
  row('prompt for credentials', 'i', true, 'ask only when the target does', '0'),
  row('authentication level', 'i', true, 'warn when the target cannot prove its name', '2'),
  row('negotiate security layer', 'i', true, 'whether X.224 negotiates or TLS comes first'),
  row('enablecredsspsupport', 'i', true, 'network level authentication'),
  row('userdstls', 'i', false, 'RDSTLS, by which Hyper-V takes its token'),
  row('enablerdsaadauth', 'i', true, 'no Entra ID sign-in', '0'),
  row('use redirection server name', 'i', true, 'the token names one target', '0'),
  row('disableconnectionsharing', 'i', true, 'a token is for its own session', '1'),
  row('alternate shell', 's', true, 'no program in place of the console', ''),
  row('remoteapplicationmode', 'i', true, 'a console is no RemoteApp', '0'),
  // How the session behaves.
  row('autoreconnection enabled', 'i', true, 'only a token with a reconnect window can come back'),
  row('bandwidthautodetect', 'i', false, 'consoles do not answer it', '0'),
  row('networkautodetect', 'i', false, 'consoles do not answer it', '0'),
  row('connection type', 'i', false, 'LAN, since nothing is detected', '6'),
  row('compression', 'i', false, 'less to send', '1'),
  row('videoplaybackmode', 'i', false, 'no video redirection', '0'),
  row('keyboardhook', 'i', false, 'key combinations belong to the console', '1'),
  row('public mode', 'i', false, 'keep no credentials and pictures on the client', '1'),
  ...REDIRECTIONS,
  // How it looks.
  row('screen mode id', 'i', false, 'a window, so that the way out is in sight', '1'),
  row('use multimon', 'i', false, 'a console has one monitor', '0'),
  row('dynamic resolution', 'i', false, 'the console decides its size', '0'),
  row('smart sizing', 'i', false, 'the window decides how large it is shown', '1'),
] as const satisfies SettingRow[]

export type SettingName = (typeof CONSOLE_SETTINGS)[number]['name']

function row<Name extends string>(
  name: Name,
  type: SettingType,
  signable: boolean,
  why: string,
  value?: string,
): SettingRow & { name: Name } {
  return { name, type, signable, why, ...(value === undefined ? {} : { value }) }
}

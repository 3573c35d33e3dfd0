/** Return codes of [MS-TSGU] 2.2.6 by their low word, since peers send them with and without the high one. */
const NAMES: ReadonlyMap<number, string> = new Map([
  [0x0005, 'ERROR_ACCESS_DENIED'],
  [0x00a0, 'ERROR_BAD_ARGUMENTS'],
  [0x03e3, 'ERROR_OPERATION_ABORTED'],
  [0x04ca, 'ERROR_GRACEFUL_DISCONNECT'],
  [0x04d4, 'E_PROXY_CONNECTIONABORTED'],
  [0x59d8, 'E_PROXY_INTERNALERROR'],
  [0x59da, 'E_PROXY_RAP_ACCESSDENIED'],
  [0x59db, 'E_PROXY_NAP_ACCESSDENIED'],
  [0x59dd, 'E_PROXY_TS_CONNECTFAILED'],
  [0x59df, 'E_PROXY_ALREADYDISCONNECTED'],
  [0x59e6, 'E_PROXY_MAXCONNECTIONSREACHED'],
  [0x59e8, 'E_PROXY_NOTSUPPORTED'],
  [0x59e9, 'E_PROXY_CAPABILITYMISMATCH'],
  [0x59ed, 'E_PROXY_QUARANTINE_ACCESSDENIED'],
  [0x59ee, 'E_PROXY_NOCERTAVAILABLE'],
  [0x59f6, 'E_PROXY_SESSIONTIMEOUT'],
  [0x59f7, 'E_PROXY_COOKIE_BADPACKET'],
  [0x59f8, 'E_PROXY_COOKIE_AUTHENTICATION_ACCESS_DENIED'],
  [0x59f9, 'E_PROXY_UNSUPPORTED_AUTHENTICATION_METHOD'],
  [0x59fa, 'E_PROXY_REAUTH_AUTHN_FAILED'],
  [0x59fb, 'E_PROXY_REAUTH_CAP_FAILED'],
  [0x59fc, 'E_PROXY_REAUTH_RAP_FAILED'],
  [0x59fd, 'E_PROXY_SDR_NOT_SUPPORTED_BY_TS'],
  [0x5a00, 'E_PROXY_REAUTH_NAP_FAILED'],
])

/** The high word that makes an HRESULT of a Windows error: severity, FACILITY_WIN32. */
const WIN32_HRESULT = 0x8007

/**
 * The specification's name of a code, such as `E_PROXY_INTERNALERROR`.
 *
 * @param code with the high word 0x8007 or without it
 * @returns undefined for 0 and for codes that have none here
 */
export function statusName(code: number): string | undefined {
  const high = code >>> 16
  return high === 0 || high === WIN32_HRESULT ? NAMES.get(code & 0xffff) : undefined
}

/** `0x800759F8`, as FreeRDP and Microsoft's clients write it. */
export function formatStatus(code: number): string {
  return `0x${(code >>> 0).toString(16).toUpperCase().padStart(8, '0')}`
}

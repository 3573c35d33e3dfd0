/**
 * Return codes of [MS-TSGU] 2.2.6 that we send, always with the high bit: FreeRDP 2 and 3 take the low word
 * alone for success in a response, and say only "Network disconnect!" when CLOSE_CHANNEL carries it.
 */
export const Status = {
  ok: 0,
  /** Ended by the operator. */
  connectionAborted: 0x8007_04d4,
  internalError: 0x8007_59d8,
  resourceAccessDenied: 0x8007_59da,
  hostConnectFailed: 0x8007_59dd,
  maxConnectionsReached: 0x8007_59e6,
  sessionTimeout: 0x8007_59f6,
  cookieBadPacket: 0x8007_59f7,
  cookieAccessDenied: 0x8007_59f8,
  unsupportedAuthentication: 0x8007_59f9,
} as const

/** The specification's names: of the codes above, and of those that other gateways send. */
const NAMES: ReadonlyMap<number, string> = new Map<number, string>([
  [0x8007_0005, 'ERROR_ACCESS_DENIED'],
  [0x8007_00a0, 'ERROR_BAD_ARGUMENTS'],
  [0x8007_03e3, 'ERROR_OPERATION_ABORTED'],
  [0x8007_04ca, 'ERROR_GRACEFUL_DISCONNECT'],
  [Status.connectionAborted, 'E_PROXY_CONNECTIONABORTED'],
  [Status.internalError, 'E_PROXY_INTERNALERROR'],
  [Status.resourceAccessDenied, 'E_PROXY_RAP_ACCESSDENIED'],
  [0x8007_59db, 'E_PROXY_NAP_ACCESSDENIED'],
  [Status.hostConnectFailed, 'E_PROXY_TS_CONNECTFAILED'],
  [0x8007_59df, 'E_PROXY_ALREADYDISCONNECTED'],
  [Status.maxConnectionsReached, 'E_PROXY_MAXCONNECTIONSREACHED'],
  [0x8007_59e8, 'E_PROXY_NOTSUPPORTED'],
  [0x8007_59e9, 'E_PROXY_CAPABILITYMISMATCH'],
  [0x8007_59ed, 'E_PROXY_QUARANTINE_ACCESSDENIED'],
  [0x8007_59ee, 'E_PROXY_NOCERTAVAILABLE'],
  [Status.sessionTimeout, 'E_PROXY_SESSIONTIMEOUT'],
  [Status.cookieBadPacket, 'E_PROXY_COOKIE_BADPACKET'],
  [Status.cookieAccessDenied, 'E_PROXY_COOKIE_AUTHENTICATION_ACCESS_DENIED'],
  [Status.unsupportedAuthentication, 'E_PROXY_UNSUPPORTED_AUTHENTICATION_METHOD'],
  [0x8007_59fa, 'E_PROXY_REAUTH_AUTHN_FAILED'],
  [0x8007_59fb, 'E_PROXY_REAUTH_CAP_FAILED'],
  [0x8007_59fc, 'E_PROXY_REAUTH_RAP_FAILED'],
  [0x8007_59fd, 'E_PROXY_SDR_NOT_SUPPORTED_BY_TS'],
  [0x8007_5a00, 'E_PROXY_REAUTH_NAP_FAILED'],
])

/** The high word that makes an HRESULT of a Windows error: severity, FACILITY_WIN32. */
const WIN32_HRESULT = 0x8007_0000

/**
 * The specification's name of a code, such as `E_PROXY_INTERNALERROR`.
 *
 * @param code with the high word 0x8007 or, as some peers send it, without it
 * @returns undefined for 0 and for codes that have none here
 */
export function statusName(code: number): string | undefined {
  const unsigned = code >>> 0
  return NAMES.get(unsigned > 0xffff ? unsigned : WIN32_HRESULT + unsigned)
}

/** `0x800759F8`, as FreeRDP and Microsoft's clients write it. */
export function formatStatus(code: number): string {
  return `0x${(code >>> 0).toString(16).toUpperCase().padStart(8, '0')}`
}

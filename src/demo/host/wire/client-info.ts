import { Reader } from '../../../protocol/index.ts'

/**
 * The two messages between channel join and capabilities: Client Info, [MS-RDPBCGR] 2.2.1.11, and the
 * licence answer, 2.2.1.12. They are the only ones with a security header under TLS.
 */

const SEC_INFO_PKT = 0x0040
const INFO_UNICODE = 0x0000_0010
const FIELDS = ['domain', 'userName', 'password', 'alternateShell', 'workingDir'] as const

/**
 * Checks that the message is whole, and tells nothing of it: it holds a password in clear, and the
 * test card has no use for a name.
 *
 * @param data of the MCS message
 * @throws ProtocolError `ERR_PACKET_TRUNCATED`, `ERR_PACKET_MALFORMED`
 */
export function checkClientInfo(data: Uint8Array): void {
  const reader = new Reader('CLIENT_INFO', data)
  const securityFlags = reader.u16le('securityFlags')
  if ((securityFlags & SEC_INFO_PKT) === 0) {
    throw reader.malformed('securityFlags', `need SEC_INFO_PKT, have ${securityFlags}`)
  }
  reader.skip('securityFlagsHi', 2)
  reader.skip('codePage', 4)
  const unicode = (reader.u32le('flags') & INFO_UNICODE) !== 0
  const terminatorBytes = unicode ? 2 : 1
  const lengths = FIELDS.map((field) => ({ field, length: reader.u16le(field) }))
  for (const { field, length } of lengths) {
    if (unicode && length % 2 !== 0) throw reader.malformed(field, `need whole characters`)
    reader.skip(field, length + terminatorBytes)
  }
}

/**
 * Server License Error PDU "valid client", 2.2.1.12: security header SEC_LICENSE_PKT, preamble
 * ERROR_ALERT version 3, STATUS_VALID_CLIENT, ST_NO_TRANSITION, an empty blob. Every client waits for it.
 */
export function encodeValidClientLicence(): Buffer {
  return Buffer.from('80000000' + 'ff031000' + '07000000' + '02000000' + '04000000', 'hex')
}

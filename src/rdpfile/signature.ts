import { BrokerError } from '../lib/index.ts'

/**
 * The value of `signature`: base64 of a header of three 32-bit numbers, little-endian (format version, type of the signature,
 * bytes that follow), and the CMS signature.
 */
const FORMAT_VERSION = 0x0001_0001
const TYPE_CERTIFICATE = 1
const HEADER_BYTES = 4 /* version */ + 4 /* type */ + 4 /* length */

/** Two blanks after every 64 characters, as rdpsign.exe writes it. */
export function encodeSignature(cms: Uint8Array): string {
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeUInt32LE(FORMAT_VERSION, 0)
  header.writeUInt32LE(TYPE_CERTIFICATE, 4)
  header.writeUInt32LE(cms.length, 8)
  return Buffer.concat([header, cms]).toString('base64').replaceAll(/.{64}/g, '$&  ')
}

/**
 * @returns the CMS signature
 * @throws BrokerError `ERR_RDP_FILE`
 */
export function decodeSignature(value: string): Uint8Array {
  const text = value.replaceAll(' ', '')
  const bytes = Buffer.from(text, 'base64')
  if (bytes.toString('base64') !== text) throw unusable('not base64')
  if (bytes.length < HEADER_BYTES) throw unusable(`${bytes.length} bytes, need a header of 12`)
  const version = bytes.readUInt32LE(0)
  const type = bytes.readUInt32LE(4)
  if (version !== FORMAT_VERSION) throw unusable(`version ${version}, need ${FORMAT_VERSION}`)
  if (type !== TYPE_CERTIFICATE) throw unusable(`type ${type}, need ${TYPE_CERTIFICATE}`)
  const length = bytes.readUInt32LE(8)
  const cms = bytes.subarray(HEADER_BYTES)
  if (length !== cms.length) throw unusable(`length says ${length} bytes, have ${cms.length}`)
  return cms
}

function unusable(message: string): BrokerError {
  return new BrokerError('ERR_RDP_FILE', `signature: ${message}`)
}

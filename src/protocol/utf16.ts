import type { Reader } from './cursor.ts'

const decoder = new TextDecoder('utf-16le', { fatal: true, ignoreBOM: true })

/**
 * UTF-16LE text as MS-TSGU carries it: with or without one terminating NUL, which is dropped. All known
 * clients append and count one; the specification's own example does not.
 *
 * @throws ProtocolError `ERR_PACKET_MALFORMED` for an odd length, a lone surrogate or any other NUL
 */
export function decodeUtf16(reader: Reader, field: string, byteLength: number): string {
  if (byteLength % 2 !== 0)
    throw reader.malformed(field, `${byteLength} bytes, need an even number`)
  const bytes = reader.bytes(field, byteLength)
  let text: string
  try {
    text = decoder.decode(bytes)
  } catch {
    throw reader.malformed(field, 'not UTF-16LE')
  }
  const withoutTerminator = text.endsWith('\0') ? text.slice(0, -1) : text
  if (withoutTerminator.includes('\0')) throw reader.malformed(field, 'NUL inside of the text')
  return withoutTerminator
}

/** UTF-16LE with a terminating NUL, which counts: never empty, as FreeRDP wants a field's last string. */
export function encodeUtf16(text: string): Buffer {
  return Buffer.from(`${text}\0`, 'utf16le')
}

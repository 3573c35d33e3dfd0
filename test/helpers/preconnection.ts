export interface BlobOptions {
  version?: number
  /** NULs that end the text, and count. */
  terminators?: number
  /** Sizes that lie; the right ones when absent. */
  cbSize?: number
  cchPCB?: number
}

/** RDP_PRECONNECTION_PDU of version 2, [MS-RDPEPS] 2.2.1, right unless told. */
export function blob(text: string, options: BlobOptions = {}): Buffer {
  const { version = 2, terminators = 1 } = options
  const characters = Buffer.from(text + '\0'.repeat(terminators), 'utf16le')
  const { cbSize = 18 + characters.length, cchPCB = characters.length / 2 } = options
  const bytes = Buffer.alloc(18 + characters.length)
  bytes.writeUInt32LE(cbSize, 0)
  bytes.writeUInt32LE(version, 8)
  bytes.writeUInt16LE(cchPCB, 16)
  bytes.set(characters, 18)
  return bytes
}

/** What a client's first bytes towards a host turn out to be. */
export type FirstBytesKind = 'x224' | 'preconnection' | 'tls' | 'other'

/** With this many bytes every kind can be told. */
const ENOUGH_BYTES = 12
const TPKT_VERSION = 3
const X224_CONNECTION_REQUEST = 0xe0
const TLS_HANDSHAKE = 0x16

/**
 * Tells an X.224 connection request ([MS-RDPBCGR] 2.2.1.1), a preconnection blob ([MS-RDPEPS] 2.2.1) and a
 * TLS ClientHello apart.
 *
 * @param bytes from the first one on
 * @returns undefined while more bytes are needed, at most 12
 */
export function classifyFirstBytes(bytes: Uint8Array): FirstBytesKind | undefined {
  const [b0, b1, b2, , , b5] = bytes
  if (b0 === undefined) return undefined
  if (b0 === TPKT_VERSION && b1 === 0) {
    if (b5 === undefined) return undefined
    // A blob of 3 + 256·n bytes would begin alike, but has an even size.
    return b5 === X224_CONNECTION_REQUEST ? 'x224' : 'other'
  }
  if (b0 === TLS_HANDSHAKE) {
    if (b2 === undefined) return undefined
    if (b1 === 3 && b2 >= 1) return 'tls'
  }
  if (bytes.length < ENOUGH_BYTES) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const size = view.getUint32(0, true)
  const flags = view.getUint32(4, true)
  const version = view.getUint32(8, true)
  const sizeFits = size === 16 || (size >= 18 && size % 2 === 0)
  return sizeFits && flags === 0 && (version === 1 || version === 2) ? 'preconnection' : 'other'
}

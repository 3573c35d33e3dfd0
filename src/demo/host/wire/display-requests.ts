import { Reader } from '../../../protocol/index.ts'
import type { Area } from '../picture/area.ts'

/** What a client asks about its picture, [MS-RDPBCGR] 2.2.11: paint these areas again, stop, go on. */

/**
 * Refresh Rect PDU, 2.2.11.2: at most 255 areas, inclusive on the wire; nothing says that they lie on
 * the desktop.
 *
 * @throws ProtocolError `ERR_PACKET_TRUNCATED`
 */
export function decodeRefreshRect(body: Uint8Array): Area[] {
  const reader = new Reader('REFRESH_RECT', body)
  const count = reader.u8('numberOfAreas')
  reader.skip('pad3Octets', 3)
  return Array.from({ length: count }, () => {
    const x = reader.u16le('left')
    const y = reader.u16le('top')
    const right = reader.u16le('right')
    const bottom = reader.u16le('bottom')
    return { x, y, width: Math.max(0, right - x + 1), height: Math.max(0, bottom - y + 1) }
  })
}

/**
 * Suppress Output PDU, 2.2.11.3.
 *
 * @returns whether display updates are allowed
 * @throws ProtocolError `ERR_PACKET_TRUNCATED`
 */
export function decodeSuppressOutput(body: Uint8Array): boolean {
  return new Reader('SUPPRESS_OUTPUT', body).u8('allowDisplayUpdates') !== 0
}

import { randomUUID } from 'node:crypto'

/**
 * A UUID of version 7, RFC 9562 section 5.7: the time first, then 74 random bits. In an index those that are made one after
 * the other lie side by side, where random ones touch a page each. Node has its own from 24.16 on.
 */
export function createUuid(nowMs: number): string {
  const time = nowMs.toString(16).padStart(12, '0')
  // Behind the version, one of version 4 has the same variant and nothing but random bits.
  const random = randomUUID().slice(15)
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random}`
}

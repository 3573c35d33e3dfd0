import { Refusal } from '../../lib/index.ts'
import { classifyFirstBytes } from '../../protocol/index.ts'

/**
 * Holds the client's first bytes until they prove what the token was made for. For kind `rdp` that is an
 * X.224 connection request: a preconnection blob would choose a VM that the token does not name, and
 * anything else would use the tunnel for something that is no console.
 */
export class FirstBytes {
  #held: Uint8Array = new Uint8Array()
  #proven = false

  /** From here on nothing needs to be held. */
  get proven(): boolean {
    return this.#proven
  }

  /**
   * @returns these bytes and what was held before them, once that is proven; undefined before
   * @throws Refusal `vm-mismatch` for a preconnection blob, `protocol-error` for what is no RDP
   */
  push(bytes: Uint8Array): Uint8Array | undefined {
    if (this.#proven) return bytes
    const first = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes])
    const kind = classifyFirstBytes(first)
    switch (kind) {
      case 'x224':
        this.#proven = true
        this.#held = new Uint8Array()
        return first
      case 'preconnection':
        throw new Refusal(
          'vm-mismatch',
          'first bytes: a preconnection blob, and the token names none',
        )
      case undefined:
        // At most 12 bytes, copied since they outlive the packet they came in.
        this.#held = new Uint8Array(first)
        return undefined
      default:
        throw new Refusal('protocol-error', `first bytes: need an X.224 request, have ${kind}`)
    }
  }
}

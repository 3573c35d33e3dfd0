import type { FirstBytesRule } from './first-bytes-rule.ts'

/** Holds the client's first bytes until they prove what the token was made for; then all passes unchanged. */
export class FirstBytes {
  readonly #proves: FirstBytesRule
  /** Bounded, since no rule asks for more than the longest preconnection blob. */
  #held: Uint8Array = new Uint8Array()
  #proven = false

  constructor(rule: FirstBytesRule) {
    this.#proves = rule
  }

  /** From here on nothing needs to be held. */
  get proven(): boolean {
    return this.#proven
  }

  /**
   * @returns these bytes and what was held before them, once that is proven; undefined before
   * @throws Refusal of the rule: `vm-mismatch` for another VM, `protocol-error` for what is no RDP
   */
  push(bytes: Uint8Array): Uint8Array | undefined {
    if (this.#proven) return bytes
    // A copy in any case, since what is held outlives the packet it came in.
    const first = Buffer.concat([this.#held, bytes])
    this.#proven = this.#proves(first)
    this.#held = this.#proven ? new Uint8Array() : first
    return this.#proven ? first : undefined
  }
}

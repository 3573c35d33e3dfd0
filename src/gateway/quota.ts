/** Counts what is held at once, in all and for each client address, and says no beyond either limit. */
export class Quota {
  readonly #max: number
  readonly #maxPerAddress: number
  readonly #perAddress = new Map<string, number>()
  #total = 0

  constructor(max: number, maxPerAddress: number) {
    this.#max = max
    this.#maxPerAddress = maxPerAddress
  }

  get total(): number {
    return this.#total
  }

  /** @returns how to give the place back (once; again does nothing), or undefined when there is none */
  take(address: string): (() => void) | undefined {
    const held = this.#perAddress.get(address) ?? 0
    if (this.#total >= this.#max || held >= this.#maxPerAddress) return undefined
    this.#total++
    this.#perAddress.set(address, held + 1)
    let given = false
    return () => {
      if (given) return
      given = true
      this.#giveBack(address)
    }
  }

  #giveBack(address: string): void {
    this.#total--
    const held = this.#perAddress.get(address) ?? 0
    if (held > 1) this.#perAddress.set(address, held - 1)
    else this.#perAddress.delete(address)
  }
}

/** Numbers that look random and are the same again for the same seed (mulberry32). */
export class Random {
  #state: number

  /** @param seed whole number from 0 to 2^32 − 1 */
  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** The same again for the same seed and name (FNV-1a of the name), whatever else has drawn before. */
  static named(seed: number, name: string): Random {
    const mixed = [...Buffer.from(name)].reduce(
      (hash, byte) => Math.imul(hash ^ byte, 0x0100_0193),
      seed ^ 0x811c_9dc5,
    )
    return new Random(mixed)
  }

  /** From 0 to `count` − 1. */
  below(count: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % count
  }
}

/** Work of which so many pieces go on at once; the others wait, and come in the order in which they asked. */
export class Turns {
  #free: number
  readonly #waiting: (() => void)[] = []

  /** @param most at least 1 */
  constructor(most: number) {
    this.#free = most
  }

  /** Whoever waits is bounded by the caller. */
  async take<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#free > 0) this.#free -= 1
    else await new Promise<void>((resolve) => void this.#waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#free += 1
      else next()
    }
  }
}

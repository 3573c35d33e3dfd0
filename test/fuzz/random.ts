import { createHash } from 'node:crypto'

/** Numbers that a seed decides: the same seed and name give the same ones on every machine. */
export interface Random {
  /** A whole number from 0 to `below` - 1. */
  below(below: number): number
  /** One of these; there must be one. */
  pick<T>(values: readonly T[]): T
  bytes(length: number): Buffer
}

/** sfc32 by Chris Doty-Humphrey: small, fast, and good enough to choose what to break. */
export function createRandom(seed: number, name: string): Random {
  const state = createHash('sha256').update(`${seed} ${name}`).digest()
  let a = state.readUInt32LE(0)
  let b = state.readUInt32LE(4)
  let c = state.readUInt32LE(8)
  let counter = state.readUInt32LE(12)
  const next = (): number => {
    const sum = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + sum
    return sum >>> 0
  }
  const below = (limit: number): number => Math.floor((next() / 2 ** 32) * limit)
  return {
    below,
    pick<T>(values: readonly T[]): T {
      if (values.length === 0) throw new RangeError('pick: nothing to choose from')
      // The index is below the length.
      return values[below(values.length)] as T
    },
    bytes: (length) => Buffer.from(Array.from({ length }, () => below(256))),
  }
}

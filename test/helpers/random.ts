import { createHash, randomInt } from 'node:crypto'

/** Numbers that a seed decides: the same seed and name give the same ones on every machine. */
export interface Random {
  /** A whole number from 0 to `below` - 1. */
  below(below: number): number
  /** From `min` to `max`, both included. */
  int(min: number, max: number): number
  /** The same, with small numbers as likely as large ones: for sizes and offsets. */
  size(min: number, max: number): number
  chance(probability: number): boolean
  /** One of these; there must be one. */
  pick<const Values extends readonly unknown[]>(values: Values): Values[number]
  bytes(length: number): Buffer
}

/**
 * sfc32 by Chris Doty-Humphrey: small, fast, and good enough to choose what to break.
 *
 * @param name tells the sequences of one run apart
 */
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
  const fraction = (): number => next() / 2 ** 32
  const below = (limit: number): number => Math.floor(fraction() * limit)
  return {
    below,
    int: (min, max) => min + below(max - min + 1),
    size: (min, max) => Math.round((min + 1) * ((max + 1) / (min + 1)) ** fraction()) - 1,
    chance: (probability) => fraction() < probability,
    pick(values) {
      if (values.length === 0) throw new RangeError('pick: nothing to choose from')
      return values[below(values.length)]
    },
    bytes: (length) => Buffer.from(Uint8Array.from({ length }, () => next())),
  }
}

/** This run's seed: the variable's, for the same run again, else any. Print it beside the variable's name. */
export function seedFrom(variable: string): number {
  const given = process.env[variable]
  return given === undefined ? randomInt(2 ** 31) : Number(given)
}

/** Numbers that follow from a seed alone, so that a failed run can be had again. */
export interface Random {
  /** From `min` to `max`, both included. */
  int(min: number, max: number): number
  /** The same, with small numbers as likely as large ones: sizes and offsets. */
  size(min: number, max: number): number
  chance(probability: number): boolean
  pick<const T extends readonly unknown[]>(items: T): T[number]
  bytes(length: number): Buffer
}

/** @param seeds the run's, and what tells this sequence from the run's others */
export function createRandom(...seeds: number[]): Random {
  let state = seeds.reduce((mixed, seed) => scramble(mixed ^ seed), 0x9e37_79b9)
  /** 32 bits. */
  const next = (): number => {
    state = (state + 0x9e37_79b9) | 0
    return scramble(state)
  }
  const fraction = (): number => next() / 2 ** 32
  const int = (min: number, max: number): number => min + Math.floor(fraction() * (max - min + 1))
  return {
    int,
    size: (min, max) => Math.round((min + 1) * ((max + 1) / (min + 1)) ** fraction()) - 1,
    chance: (probability) => fraction() < probability,
    pick: (items) => items[int(0, items.length - 1)] ?? items[0],
    bytes: (length) => Buffer.from(Uint8Array.from({ length }, () => next() & 0xff)),
  }
}

/** The seed of this run: the variable's, else any; tell it to whoever reads the output. */
export function seedFrom(variable: string): number {
  const given = Number(process.env[variable])
  return Number.isInteger(given) && given > 0 ? given : Math.floor(Math.random() * 2 ** 31) + 1
}

/** The finalizer of MurmurHash3: every bit of the input moves half the bits of the result. */
function scramble(value: number): number {
  let mixed = value | 0
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85eb_ca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}

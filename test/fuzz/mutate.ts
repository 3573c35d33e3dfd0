import type { Random } from '../helpers/random.ts'

export interface MutateOptions {
  /** Other inputs of the same decoder, to take pieces from. */
  pool: readonly Buffer[]
  /** Words of the format. */
  dictionary: readonly string[]
  maxBytes: number
}

type Mutation = (bytes: Buffer, random: Random, options: MutateOptions) => Buffer

/** Where lengths and counts go wrong: around the powers of two, and at the ends. */
const EDGES = [0, 1, 2, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0xffffffff]
const MAX_MUTATIONS = 4
const MAX_INSERTED_BYTES = 32
const MAX_REPEATS = 400

/** A copy with one to four changes. Deterministic: all chance comes from `random`. */
export function mutate(input: Buffer, random: Random, options: MutateOptions): Buffer {
  let bytes: Buffer = Buffer.from(input)
  for (let left = 1 + random.below(MAX_MUTATIONS); left > 0; left -= 1) {
    bytes = random.pick(MUTATIONS)(bytes, random, options).subarray(0, options.maxBytes)
  }
  return bytes
}

const MUTATIONS: readonly Mutation[] = [
  function flipBit(bytes, random) {
    if (bytes.length === 0) return bytes
    const at = random.below(bytes.length)
    bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8))
    return bytes
  },
  function setByte(bytes, random) {
    if (bytes.length > 0) bytes[random.below(bytes.length)] = random.below(256)
    return bytes
  },
  function setNumber(bytes, random) {
    const value = random.below(4) === 0 ? bytes.length + random.below(9) - 4 : random.pick(EDGES)
    return writeNumber(bytes, random, () => value)
  },
  function addToNumber(bytes, random) {
    const difference = random.below(17) - 8
    return writeNumber(bytes, random, (old) => old + difference)
  },
  function truncate(bytes, random) {
    return bytes.subarray(0, random.below(bytes.length + 1))
  },
  function remove(bytes, random) {
    const [start, end] = range(bytes, random)
    return Buffer.concat([bytes.subarray(0, start), bytes.subarray(end)])
  },
  function insertBytes(bytes, random) {
    return insert(bytes, random, random.bytes(1 + random.below(MAX_INSERTED_BYTES)))
  },
  function insertWord(bytes, random, { dictionary }) {
    if (dictionary.length === 0) return bytes
    return insert(bytes, random, Buffer.from(random.pick(dictionary)))
  },
  function repeat(bytes, random, { maxBytes }) {
    const piece = bytes.subarray(...range(bytes, random))
    const times = Math.min(random.below(MAX_REPEATS), Math.floor(maxBytes / (piece.length + 1)))
    return insert(bytes, random, Buffer.concat(Array.from({ length: times }, () => piece)))
  },
  function splice(bytes, random, { pool }) {
    const other = random.pick(pool)
    return insert(bytes, random, other.subarray(...range(other, random)))
  },
  function joinOther(bytes, random, { pool }) {
    return Buffer.concat([bytes, random.pick(pool)])
  },
]

/** Changes 1, 2 or 4 bytes, taken as one number in either order. */
function writeNumber(bytes: Buffer, random: Random, change: (old: number) => number): Buffer {
  const size = random.pick([1, 2, 4])
  if (bytes.length < size) return bytes
  const at = random.below(bytes.length - size + 1)
  const isLittle = random.below(2) === 0
  const old = isLittle ? bytes.readUIntLE(at, size) : bytes.readUIntBE(at, size)
  // The remainder of a negative number is negative, too.
  const range = 2 ** (8 * size)
  const value = (((change(old) % range) + range) % range) >>> 0
  if (isLittle) bytes.writeUIntLE(value, at, size)
  else bytes.writeUIntBE(value, at, size)
  return bytes
}

function insert(bytes: Buffer, random: Random, piece: Uint8Array): Buffer {
  const at = random.below(bytes.length + 1)
  return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)])
}

function range(bytes: Buffer, random: Random): [start: number, end: number] {
  const start = random.below(bytes.length + 1)
  return [start, start + random.below(bytes.length - start + 1)]
}

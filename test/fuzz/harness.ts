import { inspect, isDeepStrictEqual } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createRandom, type Random } from '../helpers/random.ts'
import { type CorpusEntry, keepFinding, loadCorpus } from './corpus.ts'
import { mutate } from './mutate.ts'
import type { FuzzTarget } from './target.ts'

export interface FuzzOptions {
  seed: number
  /** How long mutations go on, after the corpus. */
  forMs: number
  /** Where it begins; the target's own files when absent. */
  corpus?: readonly CorpusEntry[]
  /** Keeps what broke something, and says where; as a new file of the corpus when absent. */
  keep?(target: string, entry: CorpusEntry): string
}

const DEFAULT_MAX_BYTES = 4 * 1024
const DEFAULT_MAX_MS = 250
/** What one input may take beyond itself. */
const MAX_MEMORY_BYTES = 48 * 1024 * 1024
/** A slow or greedy run is tried again: the machine may have been busy with something else. */
const TRIES = 4
/** Memory is looked at this often; it costs as much as a small decode. */
const MEMORY_EVERY = 16
setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')
/** Inputs that led somewhere new and are mutated further. */
const MAX_POOL = 512
const MAX_PIECES = 24
const BYTE_BY_BYTE_BELOW = 200
/** In front of and behind the input lie bytes that are not its own. */
const GUARD_BYTES = 64

/** What a decoder made of an input. */
interface Outcome {
  value?: unknown
  error?: unknown
}

/**
 * Runs the corpus and then mutations of it until the time is over: all errors are of the target's types,
 * nothing outside of the input is read or written, time and memory are bounded, a stream gives the same
 * however it is split, and what is encoded again means the same.
 *
 * @returns how many inputs were tried
 * @throws Error for the first that breaks this; it is kept as a file of the corpus
 */
export async function fuzz(target: FuzzTarget, options: FuzzOptions): Promise<number> {
  const { seed, forMs, corpus = loadCorpus(target.name), keep = keepFinding } = options
  if (corpus.length === 0) throw new Error(`corpus/${target.name}.json: missing or empty`)
  const random = createRandom(seed, target.name)
  const pool = corpus.map(({ bytes }) => bytes)
  const seen = new Set<string>()
  const { dictionary = [], maxBytes = DEFAULT_MAX_BYTES } = target
  let tried = 0
  const attempt = async (entry: CorpusEntry): Promise<void> => {
    try {
      const outcome = await check(target, entry.bytes, random, tried % MEMORY_EVERY === 0)
      tried += 1
      const path = pathOf(outcome)
      if (!seen.has(path) && pool.length < MAX_POOL) pool.push(entry.bytes)
      seen.add(path)
    } catch (error) {
      const path = keep(target.name, entry)
      throw new Error(`${entry.note}: ${error}; kept in ${path}`, { cause: error })
    }
  }
  collectGarbage()
  for (const entry of corpus) await attempt(entry)
  const end = performance.now() + forMs
  while (performance.now() < end) {
    const bytes = mutate(random.pick(pool), random, { pool, dictionary, maxBytes })
    await attempt({ note: `found with seed ${seed}, input ${tried}`, bytes })
  }
  return tried
}

async function check(
  target: FuzzTarget,
  bytes: Buffer,
  random: Random,
  measuresMemory: boolean,
): Promise<Outcome> {
  const outcome = await measure(target, bytes, measuresMemory)
  checkError(target, outcome)
  const again = await run(target, [bytes], 0xff)
  expectSame(outcome, again, 'other bytes around it')
  if (target.kind === 'stream') {
    const split = await run(target, piecesOf(bytes, random), 0xa5)
    expectSame(outcome, split, 'another split')
  } else if (target.encode !== undefined && outcome.error === undefined) {
    const encoded = Buffer.from(target.encode(outcome.value))
    expectSame(outcome, await run(target, [encoded], 0), 'its own encoding')
  }
  return outcome
}

/** The outcome, once it has come within the bounds. */
async function measure(target: FuzzTarget, bytes: Buffer, memory: boolean): Promise<Outcome> {
  const { maxMs = DEFAULT_MAX_MS } = target
  let greedyTries = 0
  for (let left = TRIES; ; left -= 1) {
    // What is left of the try before would be taken for this one's, or hide it when it goes.
    if (left < TRIES) collectGarbage()
    const heldBefore = memory ? heldBytes() : 0
    const startedAtMs = performance.now()
    const outcome = await run(target, [bytes], 0)
    const tookMs = performance.now() - startedAtMs
    const took = memory ? heldBytes() - heldBefore : 0
    if (took > MAX_MEMORY_BYTES) greedyTries += 1
    if (tookMs <= maxMs && greedyTries === 0) return outcome
    if (left > 1) continue
    // The collector may hide memory in one try, but makes none up in two.
    if (tookMs <= maxMs && greedyTries < 2) return outcome
    throw new Error(`${tookMs.toFixed(0)} ms of ${maxMs}, ${took} bytes of ${MAX_MEMORY_BYTES}`)
  }
}

function heldBytes(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

async function run(target: FuzzTarget, pieces: Buffer[], guard: number): Promise<Outcome> {
  const placed = pieces.map((piece) => place(piece, guard))
  const outcome = await outcomeOf(
    target,
    placed.map(({ bytes }) => bytes),
  )
  const overwrites = target.kind === 'stream' && target.overwrites === true
  for (const { bytes, arena } of placed) checkArena(arena, guard, bytes.length)
  const isChanged = !placed.every(({ bytes }, index) => bytes.equals(pieces[index] ?? bytes))
  if (isChanged && !overwrites) throw new Error('the input was written over')
  return outcome
}

async function outcomeOf(target: FuzzTarget, pieces: Buffer[]): Promise<Outcome> {
  if (target.kind === 'decoder') {
    try {
      return { value: await target.decode(pieces[0] ?? Buffer.alloc(0)) }
    } catch (error) {
      return { error }
    }
  }
  const stream = target.start()
  try {
    for (const piece of pieces) stream.push(piece)
  } catch (error) {
    return { value: await stream.outcome(), error }
  }
  return { value: await stream.outcome() }
}

function checkError({ mayThrow }: FuzzTarget, { error }: Outcome): void {
  if (error === undefined || mayThrow.some((type) => error instanceof type)) return
  throw new Error(`not one of its errors: ${error}`, { cause: error })
}

function expectSame(one: Outcome, other: Outcome, difference: string): void {
  if (isDeepStrictEqual(comparable(one), comparable(other))) return
  throw new Error(`not the same with ${difference}: ${show(one)}, then ${show(other)}`)
}

function comparable({ value, error }: Outcome): unknown {
  return { value, error: error === undefined ? undefined : String(error) }
}

function show(outcome: Outcome): string {
  return inspect(comparable(outcome)).slice(0, 400)
}

/** Which way through the decoder an input took, as far as can be seen from outside. */
function pathOf({ value, error }: Outcome): string {
  if (error !== undefined) return String(error).replaceAll(/[0-9a-f]{2,}|\d/g, '#')
  if (typeof value !== 'object' || value === null) return `ok ${typeof value}`
  if (Array.isArray(value) || value instanceof Uint8Array) return `ok ${Math.min(value.length, 3)}`
  return `ok ${Object.entries(value).map(([name, field]) => `${name} ${typeof field}`)}`
}

function place(piece: Buffer, guard: number): { arena: Buffer; bytes: Buffer } {
  const arena = Buffer.alloc(piece.length + 2 * GUARD_BYTES, guard)
  const bytes = arena.subarray(GUARD_BYTES, GUARD_BYTES + piece.length)
  bytes.set(piece)
  return { arena, bytes }
}

function checkArena(arena: Buffer, guard: number, length: number): void {
  const around = [arena.subarray(0, GUARD_BYTES), arena.subarray(GUARD_BYTES + length)]
  if (around.every((bytes) => bytes.every((byte) => byte === guard))) return
  throw new Error('bytes outside of the input were written')
}

/** Byte by byte where there are few, else in pieces of any size, some of them empty. */
function piecesOf(bytes: Buffer, random: Random): Buffer[] {
  if (bytes.length < BYTE_BY_BYTE_BELOW && random.below(2) === 0) {
    return Array.from(bytes, (byte) => Buffer.of(byte))
  }
  const cuts = Array.from({ length: random.below(MAX_PIECES) }, () =>
    random.below(bytes.length + 1),
  )
  const borders = [0, ...cuts.sort((a, b) => a - b), bytes.length]
  return borders.slice(1).map((end, index) => bytes.subarray(borders[index], end))
}

/** A tunnel at rest holds one of these; a host that fills it is read into large ones until it is quiet again. */
const SMALL_BYTES = 4 * 1024
/** 32 KiB measured cheapest per byte; a read of this size always fits the 16 bits of cbDataLen. */
const LARGE_BYTES = 32 * 1024
/** Spare ones of each size that are kept, for all tunnels together: 9 MiB. */
const MAX_SPARE = 256

export type BufferSize = 'small' | 'large'

/**
 * Memory that hosts are read into, shared by the tunnels of a node: each holds what it is being read into and
 * what is on its way to its client, and no spare ones (measured: 8 KiB less for a tunnel at rest, and 120 KiB
 * less for one that has shown a picture before).
 */
export class ReadBuffers {
  readonly #spare: Record<BufferSize, Buffer[]> = { small: [], large: [] }

  /** Its content is what is left of an earlier read, perhaps another tunnel's: only what is read since may leave. */
  take(size: BufferSize): Buffer {
    return this.#spare[size].pop() ?? Buffer.alloc(size === 'small' ? SMALL_BYTES : LARGE_BYTES)
  }

  /** Once for each that was taken, when nobody reads or writes it any more. */
  giveBack(buffer: Buffer): void {
    const spare = this.#spare[buffer.length === SMALL_BYTES ? 'small' : 'large']
    if (spare.length < MAX_SPARE) spare.push(buffer)
  }
}

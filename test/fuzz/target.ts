import type { BrokerError } from '../../src/lib/index.ts'

/** One decoder under fuzz. Its inputs begin with `corpus/<name>.json`. */
export type FuzzTarget = DecoderTarget | StreamTarget

interface Common {
  name: string
  /** What it exercises, as `path below src:function`. */
  covers: readonly string[]
  /** The errors that it may end in; all others are bugs. */
  mayThrow: readonly ErrorType[]
  /** Words that mutations insert. */
  dictionary?: readonly string[]
  /** The longest input; 4 KiB unless told. */
  maxBytes?: number
  /** What one input may take, in milliseconds; 250 unless told. */
  maxMs?: number
}

// The one parameter list that fits every subclass.
export type ErrorType = abstract new (...args: never[]) => BrokerError

/** Takes a whole structure at once. */
export interface DecoderTarget extends Common {
  kind: 'decoder'
  /** @returns plain data, to be compared with what another run gives */
  decode(bytes: Buffer): unknown
  /** Gives the bytes for what `decode` gave: they must mean the same. */
  encode?(value: unknown): Uint8Array
}

/** Takes bytes as they come: how they are split must make no difference. */
export interface StreamTarget extends Common {
  kind: 'stream'
  start(): StreamRun
  /** It may write over what it is given. */
  overwrites?: boolean
}

export interface StreamRun {
  /** Not called again once it has thrown. */
  push(piece: Buffer): void
  /** All that came out, as plain data; the same however the bytes were split. */
  outcome(): unknown
}

/** For decoders of the form "value, undefined while more is needed, or throw": they see all bytes so far. */
export function gathering(decode: (bytes: Buffer) => unknown): () => StreamRun {
  return () => {
    let received = Buffer.alloc(0)
    let value: unknown
    return {
      push(piece) {
        if (value !== undefined) return
        received = Buffer.concat([received, piece])
        value = decode(received)
      },
      outcome: () => value,
    }
  }
}

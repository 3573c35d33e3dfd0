import { BrokerError } from '../lib/index.ts'
import {
  type ConnectionConfirm,
  decodeConnectionConfirm,
  encodeConnectionRequest,
  encodePreconnectionBlob,
  SecurityProtocol,
  tpktLength,
} from '../protocol/index.ts'
import type { ConsoleChannel } from './console-channel.ts'
import { StepError, Steps, type StepsOptions } from './steps.ts'

export interface NegotiateOptions extends StepsOptions {
  /** Sent first, for targets that want to know the VM. */
  preconnectionBlob?: string | undefined
}

/** What every client of today offers: hosts answer it with a protocol or with what they ask for instead. */
const OFFERED = SecurityProtocol.ssl | SecurityProtocol.hybrid | SecurityProtocol.hybridEx

/** cchPCB, [MS-RDPEPS] 2.2.1.2, has 16 bits and counts the NUL. */
const MAX_BLOB_CHARACTERS = 65_534

/** A confirm with negotiation data has 19 bytes. */
const MAX_CONFIRM_BYTES = 1024

/**
 * The first question and answer of RDP, [MS-RDPBCGR] 2.2.1.1 and 2.2.1.2: whatever the target confirms
 * or refuses in it, it is an RDP server. The channel is of no further use to a caller that won't go on.
 *
 * @throws StepError of step `negotiation`: `ERR_REFUSED` with the gateway's code when it closes the channel,
 *   `ERR_NO_ANSWER` (also when the channel is destroyed meanwhile), `ERR_DEADLINE`, `ERR_PACKET_…` for an
 *   answer that is no RDP, `ERR_USAGE` for a blob that is too long for the wire
 */
export function negotiate(
  channel: ConsoleChannel,
  { preconnectionBlob, ...options }: NegotiateOptions,
): Promise<ConnectionConfirm> {
  return new Steps(options).run('negotiation', async (signal) => {
    if (preconnectionBlob !== undefined) sendPreconnectionBlob(channel, preconnectionBlob)
    channel.write(connectionRequest())
    const confirm = await readAnswer(channel, signal, (received) =>
      tpktLength(received, MAX_CONFIRM_BYTES),
    )
    return decodeConnectionConfirm(confirm)
  })
}

/** @throws BrokerError `ERR_USAGE` when it is too long for the wire */
export function sendPreconnectionBlob(channel: ConsoleChannel, text: string): void {
  channel.write(preconnectionBytes(text))
}

/** @throws BrokerError `ERR_USAGE` when it is too long for the wire */
export function preconnectionBytes(text: string): Buffer {
  if (text.length > MAX_BLOB_CHARACTERS) {
    const message = `preconnectionBlob: need at most ${MAX_BLOB_CHARACTERS} characters, have ${text.length}`
    throw new BrokerError('ERR_USAGE', message)
  }
  return encodePreconnectionBlob({ version: 2, id: 0, text })
}

/** The first question, [MS-RDPBCGR] 2.2.1.1. */
export function connectionRequest(): Buffer {
  return encodeConnectionRequest({ negotiation: { flags: 0, requestedProtocols: OFFERED } })
}

/**
 * The target's first bytes. Leaves the channel paused; bytes past the answer are lost.
 *
 * @param lengthOf how long the answer is, by what there is of it; undefined as long as that can't be told.
 *   What it throws ends the reading.
 */
export async function readAnswer(
  channel: ConsoleChannel,
  signal: AbortSignal,
  lengthOf: (received: Buffer) => number | undefined,
): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  let received: Buffer = Buffer.alloc(0)
  const onData = (bytes: Buffer): void => {
    received = Buffer.concat([received, bytes])
    try {
      const length = lengthOf(received)
      if (length !== undefined && received.length >= length) resolve(received.subarray(0, length))
    } catch (error) {
      reject(error)
    }
  }
  const onEnd = (): void => reject(endOf(channel))
  const abort = (): void => reject(signal.reason)
  channel.on('data', onData).on('end', onEnd).on('error', reject).on('close', onEnd)
  signal.addEventListener('abort', abort, { once: true })
  try {
    if (channel.destroyed || channel.readableEnded) onEnd()
    return await promise
  } finally {
    channel.pause()
    channel.off('data', onData).off('end', onEnd).off('error', reject).off('close', onEnd)
    signal.removeEventListener('abort', abort)
  }
}

/** Why a channel has ended before the target had answered. */
export function endOf({ closeStatus }: ConsoleChannel): BrokerError {
  if (closeStatus !== undefined && closeStatus !== 0) {
    return StepError.refused('negotiation', closeStatus)
  }
  return new BrokerError('ERR_NO_ANSWER', 'the target closed the connection')
}

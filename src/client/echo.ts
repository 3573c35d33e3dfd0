import { BrokerError } from '../lib/index.ts'
import type { ConsoleChannel } from './console-channel.ts'
import {
  connectionRequest,
  type NegotiateOptions,
  preconnectionBytes,
  readAnswer,
} from './negotiate.ts'
import { Steps } from './steps.ts'

/**
 * Begins as the client of a console does, towards a target that sends back what it gets: shows that a
 * gateway lets those bytes pass, both ways and unchanged.
 *
 * @throws StepError of step `negotiation`, as `negotiate` does; `ERR_NO_ANSWER` for other bytes
 */
export function negotiateWithEcho(
  channel: ConsoleChannel,
  { preconnectionBlob, ...options }: NegotiateOptions,
): Promise<void> {
  return new Steps(options).run('negotiation', async (signal) => {
    const blob = preconnectionBlob === undefined ? [] : [preconnectionBytes(preconnectionBlob)]
    const sent = Buffer.concat([...blob, connectionRequest()])
    channel.write(sent)
    await readAnswer(channel, signal, (received) => {
      const common = Math.min(received.length, sent.length)
      if (received.subarray(0, common).equals(sent.subarray(0, common))) return sent.length
      throw new BrokerError('ERR_NO_ANSWER', 'the target sends other bytes back than it got')
    })
  })
}

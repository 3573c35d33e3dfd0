import { connect } from 'node:tls'
import { BrokerError, errorText } from '../lib/index.ts'
import type { ConsoleChannel } from './console-channel.ts'
import { endOf, type NegotiateOptions, sendPreconnectionBlob } from './negotiate.ts'
import { Steps } from './steps.ts'

/** What a host shows that speaks TLS from its first byte. */
export interface HostTls {
  /** `TLSv1.2`, `TLSv1.3`. */
  protocol: string
  /** SHA-256 of its certificate, colons between the bytes, as clients show it. */
  sha256Thumbprint: string
}

/**
 * The other beginning of RDP, [MS-RDPBCGR] 5.4.2.2 (direct approach), as Hyper-V's console has it: the
 * blob, then TLS without any X.224. Nothing secret follows, so the host's certificate is told and not
 * judged; the channel is of no further use.
 *
 * @throws StepError of step `negotiation`, as `negotiate` does; `ERR_NO_ANSWER` for an answer that is no TLS
 */
export function negotiateDirectly(
  channel: ConsoleChannel,
  { preconnectionBlob, ...options }: NegotiateOptions,
): Promise<HostTls> {
  return new Steps(options).run('negotiation', async (signal) => {
    if (preconnectionBlob !== undefined) sendPreconnectionBlob(channel, preconnectionBlob)
    const { promise, resolve, reject } = Promise.withResolvers<HostTls>()
    const secure = connect({ socket: channel, rejectUnauthorized: false })
    const onEnd = (): void => reject(endOf(channel))
    const abort = (): void => reject(signal.reason)
    secure.once('secureConnect', () => {
      const { fingerprint256: sha256Thumbprint } = secure.getPeerCertificate()
      resolve({ protocol: secure.getProtocol() ?? 'TLS', sha256Thumbprint })
    })
    secure.on('error', (error) => {
      const text = `the target answers with other bytes than TLS: ${errorText(error)}`
      const gone = channel.closeStatus !== undefined || channel.readableEnded
      reject(gone ? endOf(channel) : new BrokerError('ERR_NO_ANSWER', text, { cause: error }))
    })
    channel.on('end', onEnd).on('close', onEnd)
    signal.addEventListener('abort', abort, { once: true })
    try {
      if (channel.destroyed || channel.readableEnded) onEnd()
      return await promise
    } finally {
      channel.off('end', onEnd).off('close', onEnd)
      signal.removeEventListener('abort', abort)
      secure.destroy()
    }
  })
}

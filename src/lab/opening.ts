import { randomUUID } from 'node:crypto'
import {
  type ConsoleChannel,
  negotiate,
  negotiateDirectly,
  negotiateWithEcho,
  openConsole,
  StepError,
  type TransportKind,
} from '../client/index.ts'
import { BrokerError, type Endpoint, errorText, type Secret, withDeadline } from '../lib/index.ts'
import { renderPreconnectionText } from '../tokens/index.ts'
import { type ClientSaw, describeCode } from './expectation.ts'

/** A machine under load may be slow; no scenario measures time by it. */
const STEP_TIMEOUT_MS = 10_000

export interface OpeningOptions {
  gateway: Endpoint
  /** PEM of the authority behind the gateway's certificate; the system's when absent. */
  ca?: string
  token: Secret
  target: Endpoint
  transport: TransportKind
  /** Address of this machine to come from; the system's choice when absent. */
  from?: string
  /** The target sends back what it gets. */
  echoes: boolean
  /** The VM to ask the host for; absent for hosts with one console. */
  vmGuid?: string
  /** Goes with it to a host agent; absent for Hyper-V. */
  hostToken?: Secret
}

/** One client with one token, from its first byte to its last. */
export class Opening {
  /** By which the node's log knows it. */
  readonly connectionId: string
  readonly #options: OpeningOptions
  #channel: ConsoleChannel | undefined
  #ended: Promise<void> | undefined

  constructor(options: OpeningOptions, connectionId: string = randomUUID()) {
    this.#options = options
    this.connectionId = connectionId
  }

  /** Goes all the way to the machine's first answer. */
  async start(): Promise<ClientSaw> {
    const limits = { timeoutMs: STEP_TIMEOUT_MS }
    const { connectionId } = this
    try {
      const channel = await openConsole({ ...this.#options, ...limits, connectionId })
      this.#channel = channel.on('error', () => {})
      this.#ended = new Promise((resolve) => channel.once('end', resolve).once('close', resolve))
      return await ask(channel, this.#options)
    } catch (error) {
      this.close()
      if (error instanceof StepError) return refusedAt(error)
      throw error
    }
  }

  /** What the client sees when its open session ends. */
  async end(withinMs: number): Promise<ClientSaw> {
    const seen = { step: 'session' as const }
    if (this.#channel === undefined || this.#ended === undefined) {
      return { ...seen, outcome: 'failed', text: 'it was never open' }
    }
    try {
      await withDeadline(this.#ended, withinMs, 'the end of the session')
    } catch (error) {
      if (error instanceof BrokerError) return { ...seen, outcome: 'open', text: errorText(error) }
      throw error
    }
    const { closeStatus: code } = this.#channel
    if (code === undefined) {
      return { ...seen, outcome: 'failed', text: 'the connection was closed without a word' }
    }
    return { ...seen, outcome: 'closed', code, text: describeCode(code) }
  }

  /** It has had a channel. */
  get wasOpen(): boolean {
    return this.#channel !== undefined
  }

  /** As a client that loses its network: no goodbye. */
  close(): void {
    this.#channel?.destroy()
  }
}

/** The host's first answer, in the way of its kind. */
async function ask(
  channel: ConsoleChannel,
  { echoes, vmGuid, hostToken }: OpeningOptions,
): Promise<ClientSaw> {
  const limits = { timeoutMs: STEP_TIMEOUT_MS }
  if (echoes) {
    await negotiateWithEcho(channel, { ...limits, preconnectionBlob: vmGuid })
    channel.resume()
    return open('the echo host sends the same bytes back')
  }
  if (vmGuid !== undefined && hostToken === undefined) {
    const { protocol } = await negotiateDirectly(channel, { ...limits, preconnectionBlob: vmGuid })
    return open(`the machine answers: ${protocol}`)
  }
  const confirm = await negotiate(channel, {
    ...limits,
    ...(vmGuid === undefined || hostToken === undefined
      ? {}
      : { preconnectionBlob: renderPreconnectionText({ vmGuid, hostToken }).reveal() }),
  })
  channel.resume()
  if (confirm.kind !== 'failure') return open('the machine answers: RDP')
  const { failureCode: code } = confirm
  return { outcome: 'refused', step: 'negotiation', code, text: `RDP negotiation failure ${code}` }
}

function open(text: string): ClientSaw {
  return { outcome: 'open', step: 'negotiation', text }
}

function refusedAt({ step, statusCode, message }: StepError): ClientSaw {
  if (statusCode === undefined) return { outcome: 'failed', step, text: message }
  return { outcome: 'refused', step, code: statusCode, text: describeCode(statusCode) }
}

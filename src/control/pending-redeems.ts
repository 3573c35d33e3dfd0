import { BrokerError, errorText } from '../lib/index.ts'
import type { ControlLimits } from './limits.ts'
import type { RedeemRequest } from './to-broker.ts'
import type { RedeemAnswer } from './to-node.ts'

interface Pending {
  request: RedeemRequest
  resolve(answer: RedeemAnswer): void
  reject(error: Error): void
  timer: NodeJS.Timeout
}

/** Redeems that wait for the broker's answer: bounded in number and in time. */
export class PendingRedeems {
  readonly #limits: Pick<ControlLimits, 'redeemMs' | 'maxPendingRedeems'>
  readonly #pending = new Map<number, Pending>()
  #last = 0

  constructor(limits: Pick<ControlLimits, 'redeemMs' | 'maxPendingRedeems'>) {
    this.#limits = limits
  }

  /** @throws BrokerError `ERR_NO_ANSWER` when too many wait; the answer rejects with it as well */
  open(request: RedeemRequest): { number: number; answer: Promise<RedeemAnswer> } {
    const { redeemMs, maxPendingRedeems } = this.#limits
    if (this.#pending.size >= maxPendingRedeems) {
      throw noAnswer(`redeem: ${this.#pending.size} wait for an answer already`)
    }
    const number = ++this.#last
    const { promise, resolve, reject } = Promise.withResolvers<RedeemAnswer>()
    const timer = setTimeout(() => {
      this.#pending.delete(number)
      reject(noAnswer(`redeem: no answer within ${redeemMs} ms`))
    }, redeemMs)
    this.#pending.set(number, { request, resolve, reject, timer })
    return { number, answer: promise }
  }

  /** An answer that comes too late is dropped: the node has decided without it, and reports that. */
  answer(number: number, answer: RedeemAnswer): void {
    const pending = this.#pending.get(number)
    if (pending === undefined) return
    this.#pending.delete(number)
    clearTimeout(pending.timer)
    if (!answer.ok && answer.reason === 'broker-unreachable') {
      pending.reject(noAnswer('redeem: the broker could not decide'))
    } else {
      pending.resolve(answer)
    }
  }

  /** Those without an answer, to be asked again over another connection: for a broker they are the same redeem. */
  waiting(): { number: number; request: RedeemRequest }[] {
    return [...this.#pending].map(([number, { request }]) => ({ number, request }))
  }

  /** The connection is gone. */
  abandon(cause: Error): void {
    for (const { reject, timer } of this.#pending.values()) {
      clearTimeout(timer)
      reject(noAnswer(`redeem: ${errorText(cause)}`))
    }
    this.#pending.clear()
  }
}

function noAnswer(message: string): BrokerError {
  return new BrokerError('ERR_NO_ANSWER', message)
}

import ipaddr from 'ipaddr.js'
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'

/** So many attempts per key and window, counted in this process. */
export interface AttemptLimit {
  /**
   * Counts one attempt.
   *
   * @returns whole seconds until another is worth while, when this one is over the limit
   */
  take(key: string): Promise<number | undefined>
  /** Takes one attempt back, since it was a good one. */
  giveBack(key: string): Promise<void>
  /** Forgets the key's attempts, since it has proved itself. */
  forgive(key: string): Promise<void>
}

export function createAttemptLimit(attempts: number, perSeconds: number): AttemptLimit {
  const limiter = new RateLimiterMemory({ points: attempts, duration: perSeconds })
  return {
    async take(key) {
      try {
        await limiter.consume(key)
        return undefined
      } catch (error) {
        // The library rejects with the state of the counter, and with an Error only when it is broken.
        if (error instanceof RateLimiterRes)
          return Math.max(1, Math.ceil(error.msBeforeNext / 1000))
        throw error
      }
    },
    async giveBack(key) {
      await limiter.reward(key)
    },
    async forgive(key) {
      await limiter.delete(key)
    },
  }
}

/** One client per IPv4 address or IPv6 /64, since a client moves within the latter as it likes. */
export function addressKey(remoteAddress: string): string {
  if (!ipaddr.isValid(remoteAddress)) return remoteAddress
  const address = ipaddr.process(remoteAddress)
  if (!(address instanceof ipaddr.IPv6)) return address.toString()
  const network = address.parts.slice(0, 4).map((part) => part.toString(16))
  return `${network.join(':')}::/64`
}

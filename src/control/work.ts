import type { ToBrokerMessage } from './to-broker.ts'

/** Taking so many characters apart costs about as much as a small message. */
const CHARACTERS = 4_096

/**
 * How much a message asks of the broker, about 50 µs each: one for itself, one for each tunnel that the store has to look
 * up, and what it takes to read.
 */
export function workOf(message: ToBrokerMessage, characters: number): number {
  const tunnels =
    message.type === 'heartbeat' ? Math.max(message.tunnels.length, message.usage?.length ?? 0) : 0
  return 1 + tunnels + characters / CHARACTERS
}

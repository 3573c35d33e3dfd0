import type { Push } from '../control/index.ts'

/** What every connected verifier is told as soon as it happens. */
export interface Pushes {
  push(message: Push): void
  /** @returns how to unsubscribe */
  subscribe(listener: (message: Push) => void): () => void
}

export function createPushes(): Pushes {
  const listeners = new Set<(message: Push) => void>()
  return {
    push(message) {
      for (const listener of listeners) listener(message)
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}

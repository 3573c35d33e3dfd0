import { errorText } from '../lib/index.ts'
import { say } from './output.ts'

/**
 * Runs `close` once on the first INT, TERM or HUP and then exits with 0. Signals often come twice
 * (the terminal and npm both send one), so further ones are ignored while closing.
 *
 * @param timeoutMs after this the process exits with 1, whatever still runs
 */
export function closeOnSignal(close: () => Promise<void>, timeoutMs = 10_000): void {
  let closing = false
  const onSignal = (): void => {
    if (closing) return
    closing = true
    setTimeout(() => process.exit(1), timeoutMs).unref()
    close().then(
      () => process.exit(0),
      (error: unknown) => {
        say(`portcullis: while stopping: ${errorText(error)}`)
        process.exit(1)
      },
    )
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal)
}

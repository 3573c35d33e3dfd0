import { BrokerError } from './errors.ts'

/**
 * The promise's outcome, or `ERR_DEADLINE` after `timeoutMs`. What the promise waits for goes on:
 * give it a signal of its own when it must stop.
 *
 * @param what names the wait in the error: `IN channel: nothing within 120000 ms`
 */
export async function withDeadline<T>(
  promise: Promise<T>,
  timeoutMs: number,
  what: string,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new BrokerError('ERR_DEADLINE', `${what}: nothing within ${timeoutMs} ms`)),
      timeoutMs,
    )
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

import type { Clock } from '../lib/index.ts'
import { ApiError } from './errors.ts'
import { invalid } from './validate.ts'

/** Each holds one answer, with its file some kilobytes; past that the oldest is forgotten. */
const MAX_ANSWERS = 1_000
const FORM = /^[\x21-\x7e]{1,255}$/

export interface RepeatableRequest {
  /** Whose key it is: another caller may use the same. */
  caller: string
  /** `Idempotency-Key`; absent: each request is one of its own. */
  key: string | undefined
  /** The same key with another body is a mistake of the sender. */
  body: unknown
}

export interface Repeats<Result> {
  /**
   * Does the work once for all requests with the same key, as long as its result is of use. What fails is not
   * remembered, so that the next try is a new one.
   *
   * @throws ApiError `validation-failed` for a key that can't be, `conflict` for one that came with another body;
   *   and what `work` throws
   */
  once(request: RepeatableRequest, work: () => Promise<Result>): Promise<Result>
}

interface Remembered<Result> {
  body: string
  result: Promise<Result>
  /** Infinity while the work goes on. */
  untilMs: number
}

/**
 * Remembers in this process: after a restart a request that is sent again is a new one, and so it is at another broker.
 *
 * @param usefulUntilMs when a result can be forgotten
 */
export function createRepeats<Result>(
  clock: Clock,
  usefulUntilMs: (result: Result) => number,
): Repeats<Result> {
  const answers = new Map<string, Remembered<Result>>()

  function makeRoom(): void {
    if (answers.size < MAX_ANSWERS) return
    const nowMs = clock.now()
    for (const [name, { untilMs }] of answers) if (untilMs <= nowMs) answers.delete(name)
    for (const name of answers.keys()) {
      if (answers.size < MAX_ANSWERS) return
      answers.delete(name)
    }
  }

  function remember(name: string, body: string, work: () => Promise<Result>): Promise<Result> {
    makeRoom()
    const entry: Remembered<Result> = { body, result: work(), untilMs: Infinity }
    answers.set(name, entry)
    entry.result.then(
      (result) => {
        entry.untilMs = usefulUntilMs(result)
      },
      () => {
        if (answers.get(name) === entry) answers.delete(name)
      },
    )
    return entry.result
  }

  return {
    async once({ caller, key, body }, work) {
      if (key === undefined) return work()
      if (!FORM.test(key)) {
        const message = 'need 1 to 255 printable ASCII characters without white space'
        throw invalid([{ field: 'Idempotency-Key', message }])
      }
      const name = JSON.stringify([caller, key])
      const text = JSON.stringify(body)
      const known = answers.get(name)
      if (known === undefined || known.untilMs <= clock.now()) return remember(name, text, work)
      if (known.body === text) return known.result
      throw new ApiError('conflict', 'This Idempotency-Key came with another body before.')
    },
  }
}

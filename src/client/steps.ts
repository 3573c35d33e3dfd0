import { BrokerError, type ErrorCode, errorText } from '../lib/index.ts'
import { formatStatus, statusName } from '../protocol/index.ts'

/** The way to a console, in order; `negotiation` is the target's answer and comes after the gateway's. */
export type StepName =
  /** Name look-up and TCP. */
  | 'connect'
  | 'tls'
  /** The upgrade, or OUT and IN. */
  | 'transport'
  | 'handshake'
  /** The token is judged. */
  | 'tunnel'
  | 'authorization'
  /** The target is judged and dialled. */
  | 'channel'
  | 'negotiation'

export interface StepReport {
  step: StepName
  durationMs: number
}

/** Why a step failed. `ERR_REFUSED` when the gateway said no; then with its status, or that of HTTP. */
export class StepError extends BrokerError {
  override readonly name = 'StepError'
  readonly step: StepName
  /** HRESULT that the gateway gave. */
  readonly statusCode: number | undefined
  readonly httpStatus: number | undefined

  private constructor(step: StepName, code: ErrorCode, message: string, details: StepErrorDetails) {
    super(code, `${step}: ${message}`, { cause: details.cause })
    this.step = step
    this.statusCode = details.statusCode
    this.httpStatus = details.httpStatus
  }

  static refused(step: StepName, statusCode: number): StepError {
    const name = statusName(statusCode) ?? 'unknown code'
    const message = `refused with ${name} [${formatStatus(statusCode)}]`
    return new StepError(step, 'ERR_REFUSED', message, { statusCode })
  }

  static refusedByHttp(step: StepName, httpStatus: number): StepError {
    return new StepError(step, 'ERR_REFUSED', `refused with HTTP status ${httpStatus}`, {
      httpStatus,
    })
  }

  /** The same error, with the step it happened in; codes of the system count as no answer. */
  static from(step: StepName, cause: unknown): StepError {
    if (cause instanceof StepError) return cause
    const code = cause instanceof BrokerError ? cause.code : 'ERR_NO_ANSWER'
    return new StepError(step, code, errorText(cause), { cause })
  }

  /** The specification's name of `statusCode`. */
  get statusName(): string | undefined {
    return this.statusCode === undefined ? undefined : statusName(this.statusCode)
  }
}

interface StepErrorDetails {
  cause?: unknown
  statusCode?: number
  httpStatus?: number
}

export interface StepsOptions {
  /** Time limit of each step. */
  timeoutMs: number
  /** Called when a step is done. */
  onStep?: ((report: StepReport) => void) | undefined
  /** Ends the step that runs; the later ones do not begin. */
  signal?: AbortSignal | undefined
}

/** Runs steps one after the other, each under its own deadline, and tells how long each took. */
export class Steps {
  readonly #options: StepsOptions

  constructor(options: StepsOptions) {
    this.#options = options
  }

  /**
   * @param work must end soon after its signal is aborted, and take back what it has begun
   * @throws StepError `ERR_DEADLINE` past the time limit; the work's own error, wrapped, otherwise
   */
  async run<T>(step: StepName, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { timeoutMs, onStep, signal } = this.#options
    const deadline = new AbortController()
    const timer = setTimeout(() => {
      deadline.abort(new BrokerError('ERR_DEADLINE', `no answer within ${timeoutMs} ms`))
    }, timeoutMs)
    const startedMs = performance.now()
    try {
      signal?.throwIfAborted()
      const ended = signal === undefined ? [] : [signal]
      const result = await work(AbortSignal.any([deadline.signal, ...ended]))
      onStep?.({ step, durationMs: performance.now() - startedMs })
      return result
    } catch (error) {
      throw StepError.from(step, error)
    } finally {
      clearTimeout(timer)
    }
  }
}

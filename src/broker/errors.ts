import { BrokerError, createReference, errorText, type Reason, Refusal } from '../lib/index.ts'

/** The API's own codes, beside the reasons that it shares with logs, portal and `why`. */
export const API_CODES = [
  'validation-failed',
  'unauthorized',
  'forbidden',
  'not-found',
  'conflict',
  'rate-limited',
  'unavailable',
] as const
export type ApiCode = (typeof API_CODES)[number]

export type ProblemCode = ApiCode | Reason

/** One wrong field of a request; `field` is dotted: `console.mode`. */
export interface FieldError {
  field: string
  message: string
}

/** Body of every failed answer: `application/problem+json`, RFC 9457. */
export interface Problem {
  type: string
  title: string
  status: number
  code: ProblemCode
  detail: string
  ref: string
  errors?: FieldError[]
}

interface Outward {
  status: number
  title: string
}

/**
 * Code → HTTP status and title: nothing else turns codes into statuses. A machine on a host that is
 * not opted in is 409 and not 403: the caller may, the machine's state is what is in the way.
 */
const PROBLEMS: Record<ApiCode, Outward> & Partial<Record<Reason, Outward>> = {
  'validation-failed': { status: 400, title: 'The request is not valid' },
  'protocol-error': { status: 400, title: 'The request is not valid HTTP for this address' },
  unauthorized: { status: 401, title: 'Who is asking is not known' },
  forbidden: { status: 403, title: 'This is not allowed' },
  'origin-refused': { status: 403, title: 'The request came from another site' },
  'not-found': { status: 404, title: 'There is no such thing' },
  'vm-unknown': { status: 404, title: 'There is no such machine' },
  conflict: { status: 409, title: 'The present state does not allow this' },
  'host-not-opted-in': { status: 409, title: 'Console access is off for this host' },
  'limit-reached': { status: 413, title: 'There is more than a limit allows' },
  'policy-denied': { status: 422, title: 'Policy does not allow this' },
  'rate-limited': { status: 429, title: 'Too many attempts' },
  'internal-error': { status: 500, title: 'Something went wrong here' },
  unavailable: { status: 503, title: 'The service cannot answer now' },
}
const INTERNAL: Outward = { status: 500, title: 'Something went wrong here' }

export interface ApiErrorOptions extends ErrorOptions {
  /** In place of the table's, for HTTP's own refusals such as 405. */
  status?: number
  errors?: FieldError[]
  headers?: Record<string, string>
  /** Whole seconds until another try makes sense: the header `Retry-After`. */
  retryAfterSeconds?: number
}

/** A request that is answered with a problem; `detail` is one sentence for the person who reads it. */
export class ApiError extends BrokerError {
  override readonly name = 'ApiError'
  readonly problem: ProblemCode
  readonly status: number
  readonly headers: Record<string, string>
  readonly errors: FieldError[] | undefined
  readonly retryAfterSeconds: number | undefined
  /** Stands in answer and log, so that support finds one by the other. */
  readonly ref = createReference()

  constructor(problem: ProblemCode, detail: string, options: ApiErrorOptions = {}) {
    super('ERR_REFUSED', detail, options)
    this.problem = problem
    this.status = options.status ?? (PROBLEMS[problem] ?? INTERNAL).status
    this.errors = options.errors
    const { headers = {}, retryAfterSeconds } = options
    this.retryAfterSeconds = retryAfterSeconds
    this.headers =
      retryAfterSeconds === undefined
        ? headers
        : { ...headers, 'Retry-After': String(retryAfterSeconds) }
  }
}

/** Longer than any id; what is longer is no id, and the rest of it no news. */
const MAX_SHOWN_ID = 128

/** What is another tenant's is not there either, in the same words. */
export function notFound(kind: string, id: string): ApiError {
  const shown = id.length > MAX_SHOWN_ID ? `${id.slice(0, MAX_SHOWN_ID)}…` : id
  return new ApiError('not-found', `There is no ${kind} "${shown}".`)
}

/** Of a record that a field names, and that is not there. */
export function missing(field: string, kind: 'tenant' | 'host', id: string): FieldError {
  return { field, message: `there is no such ${kind}: ${id}` }
}

/** The body that tells the outside of an error; nothing of an unexpected error's text is in it. */
export function toProblem(error: ApiError): Problem {
  return {
    type: `urn:portcullis:problem:${error.problem}`,
    title: (PROBLEMS[error.problem] ?? INTERNAL).title,
    status: error.status,
    code: error.problem,
    detail: error.message,
    ref: error.ref,
    ...(error.errors === undefined ? {} : { errors: error.errors }),
  }
}

/** Anything that a request can fail with, as the failure that its sender is told of. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error
  if (error instanceof Refusal) return new ApiError(error.reason, error.message, { cause: error })
  if (error instanceof BrokerError && error.code === 'ERR_STORE') {
    return new ApiError('unavailable', 'The store does not answer.', { cause: error })
  }
  const status = httpStatus(error)
  if (status === 413) {
    return new ApiError('limit-reached', 'The request body is too large.', { cause: error })
  }
  if (status !== undefined && status < 500) {
    return new ApiError('protocol-error', 'The request cannot be read.', { status, cause: error })
  }
  return new ApiError('internal-error', 'The request failed because of a mistake of ours.', {
    cause: error,
  })
}

/** What really went wrong, for the log: the texts of an error's causes, the outermost first. */
export function causeText({ cause, message }: ApiError): string {
  const texts: string[] = []
  for (let error: unknown = cause; error !== undefined; ) {
    texts.push(errorText(error))
    error = error instanceof Error ? error.cause : undefined
  }
  return texts.length === 0 ? message : texts.join(': ')
}

/** Status of the errors that koa and its parsers throw (package http-errors). */
function httpStatus(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('status' in error)) return undefined
  const { status } = error
  return typeof status === 'number' && status >= 400 && status < 600 ? status : undefined
}

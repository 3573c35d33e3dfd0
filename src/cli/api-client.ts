import { type RequestOptions, request } from 'node:https'
import { getCACertificates } from 'node:tls'
import { z } from 'zod'
import { BrokerError, errorText, isUntrusted, type Secret } from '../lib/index.ts'
import { parseJson } from './json.ts'

/** Which broker, as whom, trusting whom. */
export interface ApiAccess {
  /** Origin of the API, `https://…`. */
  url: URL
  key: Secret
  /** PEM of the authorities to trust; the system's when absent. */
  ca?: string
}

const ANSWER_WITHIN_MS = 15_000
/** A list of everything in a large inventory; one console is a few kilobytes. */
const MAX_ANSWER_BYTES = 32 * 1024 * 1024

const problem = z.object({
  code: z.string(),
  detail: z.string(),
  ref: z.string(),
  errors: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
})

/** What the broker refused, by the fields of the request. */
export class ApiRefusal extends BrokerError {
  override readonly name = 'ApiRefusal'
  readonly errors: Array<{ field: string; message: string }>
  /** The API's own code: `conflict`. */
  readonly problem: string
  /** What support looks up. */
  readonly ref: string

  constructor({ code, detail, ref, errors = [] }: z.output<typeof problem>) {
    const kind = code === 'unavailable' ? 'ERR_NO_ANSWER' : 'ERR_REFUSED'
    // The detail is about the first of them.
    const others = errors.slice(1).map(({ field, message }) => ` ${field}: ${message}.`)
    super(kind, `${code}: ${printable(detail + others.join(''))} (reference ${printable(ref)})`)
    this.errors = errors.map(({ field, message }) => ({
      field: printable(field),
      message: printable(message),
    }))
    this.problem = code
    this.ref = printable(ref)
  }
}

/**
 * One call of the broker's API with a JSON body and a JSON answer; an empty answer is undefined.
 *
 * @param onlyNew refuse to replace what is there already, with `PUT`
 * @throws BrokerError `ERR_NO_ANSWER`; ApiRefusal with code, sentence and reference of the problem
 */
export async function callApi<Schema extends z.ZodType>(
  access: ApiAccess,
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  path: string,
  { body, answer, onlyNew = false }: { body?: unknown; answer: Schema; onlyNew?: boolean },
): Promise<z.output<Schema>> {
  const headers: Record<string, string> = onlyNew ? { 'If-None-Match': '*' } : {}
  const { status, text } = await exchange(access, method, path, { body, headers })
  const value = parseJson(text)
  if (status >= 200 && status < 300) {
    const result = answer.safeParse(value)
    if (result.success) return result.data
    throw new BrokerError('ERR_NO_ANSWER', `${access.url.origin}: this is no Portcullis broker`)
  }
  const refusal = problem.safeParse(value)
  if (!refusal.success) {
    throw new BrokerError(
      'ERR_NO_ANSWER',
      `${access.url.origin}: answers ${status}, not a broker's`,
    )
  }
  throw new ApiRefusal(refusal.data)
}

function exchange(
  { url, key, ca }: ApiAccess,
  method: string,
  path: string,
  { body, headers }: { body: unknown; headers: Record<string, string> },
): Promise<{ status: number; text: string }> {
  const options: RequestOptions = {
    method,
    agent: false,
    ca: ca ?? [...getCACertificates('default'), ...getCACertificates('system')],
    signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    headers: {
      Authorization: `Bearer ${key.reveal()}`,
      Accept: 'application/json',
      ...headers,
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
    },
  }
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => {
      reject(new BrokerError('ERR_NO_ANSWER', `${url.origin}: ${whyNot(error)}`, { cause: error }))
    }
    const asked = request(new URL(path, url), options, (answer) => {
      const chunks: Buffer[] = []
      let bytes = 0
      answer.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes > MAX_ANSWER_BYTES) asked.destroy(new Error('the answer is too large'))
        else chunks.push(chunk)
      })
      answer.once('error', fail)
      answer.once('end', () =>
        resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
      )
    })
    asked.once('error', fail)
    asked.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

function whyNot(error: unknown): string {
  if (!(error instanceof Error)) return errorText(error)
  if (error.name === 'AbortError') return `nothing within ${ANSWER_WITHIN_MS} ms`
  if (isUntrusted(error)) {
    return "its certificate is of no trusted authority: name the farm's ca.crt with --ca"
  }
  return errorText(error)
}

/** What a server says must not steer the terminal it is shown on. */
function printable(text: string): string {
  return text.replaceAll(/\p{C}/gu, ' ').slice(0, 500)
}

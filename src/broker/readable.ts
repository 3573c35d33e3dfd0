import type { z } from 'zod'
import { faultWords } from '../lib/index.ts'
import { ApiError } from './errors.ts'

/**
 * What verifiers could not read would cost each of them its channel, again and again for as long as it is there: it is
 * refused before it is kept.
 *
 * @param schema of the message
 * @throws ApiError `validation-failed` naming the first field that is wrong
 */
export function assertReadable(schema: z.ZodType, set: unknown): void {
  const { error } = schema.safeParse(set, { error: faultWords })
  const [issue] = error?.issues ?? []
  if (issue === undefined) return
  const field = issue.path.join('.')
  throw new ApiError('validation-failed', `No node could read this: ${field}: ${issue.message}.`)
}

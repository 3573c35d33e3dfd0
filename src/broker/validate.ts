import type { z } from 'zod'
import { faultWords } from '../lib/index.ts'
import { ApiError, type FieldError } from './errors.ts'

/** Errors named in one answer; a body full of unknown fields is not worth a longer list. */
const MAX_ERRORS = 20
/** Names of unknown fields are the sender's text. */
const MAX_FIELD_LENGTH = 100

/**
 * The value as the schema gives it back.
 *
 * @throws ApiError `validation-failed` naming each wrong field, never a text that is there
 */
export function validate<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
): z.output<Schema> {
  const result = schema.safeParse(value, { error: faultWords })
  if (result.success) return result.data
  throw invalid(result.error.issues.flatMap(toFieldErrors).slice(0, MAX_ERRORS))
}

/** A request whose fields are wrong in themselves or together. */
export function invalid(errors: FieldError[]): ApiError {
  const [first] = errors
  const place = first === undefined || first.field === '' ? 'The body' : first.field
  return new ApiError('validation-failed', `${place}: ${first?.message ?? 'is not valid'}.`, {
    errors,
  })
}

function toFieldErrors(issue: z.core.$ZodIssue): FieldError[] {
  const path = issue.path.map(String)
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      field: dotted([...path, key]),
      message: 'is not a known field',
    }))
  }
  return [{ field: dotted(path), message: issue.message }]
}

function dotted(path: string[]): string {
  return path.join('.').slice(0, MAX_FIELD_LENGTH)
}

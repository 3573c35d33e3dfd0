import type { ProxyFields } from './proxy-v2.ts'

/**
 * What a host agent tells a console about the grant that opens it, in the PROXY header it puts in front:
 * fields of types that are free for applications, each as ASCII text.
 */
const ConsoleField = { ref: 0xe0, expiresAt: 0xe1 } as const

export interface GrantNotice {
  /** `7K3M-Q2XD`; absent while no broker answers. */
  ref?: string
  /** End of the host token, Unix seconds. */
  expiresAt?: number
}

export function encodeGrantNotice({ ref, expiresAt }: GrantNotice): ProxyFields {
  const fields = new Map<number, Uint8Array>()
  if (ref !== undefined) fields.set(ConsoleField.ref, Buffer.from(ref, 'latin1'))
  if (expiresAt !== undefined) {
    fields.set(ConsoleField.expiresAt, Buffer.from(String(expiresAt), 'latin1'))
  }
  return fields
}

/** What is absent, or has another form, is left out. */
export function decodeGrantNotice(fields: ProxyFields): GrantNotice {
  const ref = match(fields.get(ConsoleField.ref), /^[0-9A-Z]{4}-[0-9A-Z]{4}$/)
  const expiresAt = match(fields.get(ConsoleField.expiresAt), /^\d{1,12}$/)
  return {
    ...(ref === undefined ? {} : { ref }),
    ...(expiresAt === undefined ? {} : { expiresAt: Number(expiresAt) }),
  }
}

function match(value: Uint8Array | undefined, form: RegExp): string | undefined {
  if (value === undefined) return undefined
  const text = Buffer.from(value).toString('latin1')
  return form.test(text) ? text : undefined
}

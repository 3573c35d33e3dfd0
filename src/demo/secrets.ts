import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { BrokerError } from '../lib/index.ts'
import { readIfPresent, writePrivateFile } from './files.ts'

/** The demo's passwords and API key: random per data directory, kept between starts. */
export interface DemoSecrets {
  operatorPassword: string
  tenantPassword: string
  /** `pck_<id>_<32 random bytes, base64url>`. */
  apiKey: string
}

const NAMES = ['operatorPassword', 'tenantPassword', 'apiKey'] as const

/**
 * Reads `secrets.json` of the data directory, or makes it (mode 0600).
 *
 * @throws BrokerError `ERR_START` when the file is there but broken
 */
export function loadSecrets(dataDirectory: string): DemoSecrets {
  const path = join(dataDirectory, 'secrets.json')
  const text = readIfPresent(path)
  if (text !== undefined) return parse(path, text)
  const secrets: DemoSecrets = {
    operatorPassword: password(),
    tenantPassword: password(),
    apiKey: `pck_demo_${randomBytes(32).toString('base64url')}`,
  }
  writePrivateFile(path, `${JSON.stringify(secrets, null, 2)}\n`)
  return secrets
}

function parse(path: string, text: string): DemoSecrets {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw broken(path, error)
  }
  const fields = new Map(Object.entries(value ?? {}))
  const [operatorPassword, tenantPassword, apiKey] = NAMES.map((name) => {
    const field: unknown = fields.get(name)
    if (typeof field !== 'string' || field === '') throw broken(path, new Error(`${name}: missing`))
    return field
  })
  if (operatorPassword === undefined || tenantPassword === undefined || apiKey === undefined) {
    throw broken(path, new Error('a field is missing'))
  }
  return { operatorPassword, tenantPassword, apiKey }
}

function broken(path: string, cause: unknown): BrokerError {
  const text = cause instanceof Error ? cause.message : String(cause)
  return new BrokerError(
    'ERR_START',
    `${path} is broken (${text}): delete it to get new passwords`,
    {
      cause,
    },
  )
}

/** 15 random bytes as 20 characters: easy to copy, impossible to guess. */
function password(): string {
  return randomBytes(15).toString('base64url')
}

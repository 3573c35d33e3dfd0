import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { parse } from 'yaml'
import type { z } from 'zod'
import { ConfigError, errorText } from '../lib/index.ts'
import { type BrokerConfig, brokerSchema } from './broker.ts'
import { type Environment, withEnvironment } from './environment.ts'
import { type ConfigFault, describeFaults } from './faults.ts'
import { type GatewayConfig, gatewaySchema } from './gateway.ts'

export const ROLES = ['broker', 'gateway'] as const
export type RoleName = (typeof ROLES)[number]

const SCHEMAS = { broker: brokerSchema, gateway: gatewaySchema } as const

/** @throws ConfigError naming the first fault; {@link checkConfig} gives all of them */
export function loadBrokerConfig(
  path: string,
  environment: Environment = process.env,
): BrokerConfig {
  return valueOrThrow(read(path, brokerSchema, environment))
}

/** As {@link loadBrokerConfig}, for a gateway node. */
export function loadGatewayConfig(
  path: string,
  environment: Environment = process.env,
): GatewayConfig {
  return valueOrThrow(read(path, gatewaySchema, environment))
}

export type CheckedConfig =
  | { role: 'broker'; config: BrokerConfig }
  | { role: 'gateway'; config: GatewayConfig }
  | { role: RoleName; faults: ConfigFault[] }

/**
 * Every fault of a file at once.
 *
 * @param role which schema; found out from the file's keys when absent
 * @throws ConfigError when the file can't be read, is no YAML mapping, or fits no role
 */
export function checkConfig(
  path: string,
  role: RoleName | undefined,
  environment: Environment = process.env,
): CheckedConfig {
  const chosen = role ?? guessRole(readYaml(path))
  if (chosen === 'broker') {
    const result = read(path, brokerSchema, environment)
    return 'faults' in result
      ? { role: chosen, faults: result.faults }
      : { role: chosen, config: result.value }
  }
  const result = read(path, gatewaySchema, environment)
  return 'faults' in result
    ? { role: chosen, faults: result.faults }
    : { role: chosen, config: result.value }
}

function guessRole(tree: unknown): RoleName {
  const keys = typeof tree === 'object' && tree !== null ? Object.keys(tree) : []
  if (keys.includes('issuer') || keys.includes('store')) return 'broker'
  if (keys.includes('node') || keys.includes('trust')) return 'gateway'
  throw new ConfigError(
    'configuration',
    'fits no role; say which with --role broker or --role gateway',
  )
}

type ReadResult<T> = { value: T } | { faults: ConfigFault[] }

function read<T>(path: string, schema: z.ZodType<T>, environment: Environment): ReadResult<T> {
  const others = Object.values(SCHEMAS).filter((other: z.ZodType) => other !== schema)
  const { tree, faults } = withEnvironment(readYaml(path), environment, schema, others)
  const parsed = schema.safeParse(tree)
  if (parsed.success && faults.length === 0) {
    return { value: freeze(resolveFiles(parsed.data, dirname(resolve(path)))) }
  }
  return {
    faults: [...faults, ...(parsed.success ? [] : describeFaults(parsed.error, schema, tree))],
  }
}

function valueOrThrow<T>(result: ReadResult<T>): T {
  if ('value' in result) return result.value
  const [first, ...more] = result.faults
  if (first === undefined) throw new TypeError('no value and no fault')
  const count = more.length === 0 ? '' : ` (and ${more.length} more: see portcullis config check)`
  throw new ConfigError(first.path, first.message + count)
}

function readYaml(path: string): unknown {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new ConfigError(path, `cannot be read: ${errorText(error)}`, { cause: error })
  }
  try {
    return parse(text, { prettyErrors: true })
  } catch (error) {
    throw new ConfigError(path, `is no YAML: ${errorText(error).trim()}`, { cause: error })
  }
}

/** Makes every `…File` and `file` absolute, since the role's working directory is nobody's promise. */
function resolveFiles<T>(tree: T, directory: string): T {
  const walk = (value: unknown, key: string): unknown => {
    if (typeof value === 'string') {
      return key === 'file' || key.endsWith('File') ? resolve(directory, value) : value
    }
    if (Array.isArray(value)) return value.map((item) => walk(item, ''))
    if (typeof value !== 'object' || value === null || value instanceof Date) return value
    return Object.fromEntries(
      Object.entries(value).map(([name, child]) => [name, walk(child, name)]),
    )
  }
  // Only strings change, and into strings: the shape stays.
  return walk(tree, '') as T
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !(value instanceof Date)) {
    Object.values(value).forEach(freeze)
    Object.freeze(value)
  }
  return value
}

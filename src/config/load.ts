import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { parse } from 'yaml'
import type { z } from 'zod'
import { ConfigError, errorText } from '../lib/index.ts'
import { type BrokerConfig, brokerSchema } from './broker.ts'
import { type Environment, withEnvironment } from './environment.ts'
import { type FarmConfig, farmSchema } from './farm.ts'
import { type ConfigFault, describeFaults } from './faults.ts'
import { type GatewayConfig, gatewaySchema } from './gateway.ts'
import { type HostAgentConfig, hostAgentSchema } from './host-agent.ts'

const SCHEMAS = {
  broker: brokerSchema,
  gateway: gatewaySchema,
  'host-agent': hostAgentSchema,
  farm: farmSchema,
} as const

export type RoleName = keyof typeof SCHEMAS
export const ROLES: readonly RoleName[] = ['broker', 'gateway', 'host-agent', 'farm']

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

/** As {@link loadBrokerConfig}, for a host agent. */
export function loadHostAgentConfig(
  path: string,
  environment: Environment = process.env,
): HostAgentConfig {
  return valueOrThrow(read(path, hostAgentSchema, environment))
}

/** As {@link loadBrokerConfig}, for the balancer's files; variables play no part in it. */
export function loadFarmConfig(path: string): FarmConfig {
  return valueOrThrow(read(path, farmSchema, {}))
}

export type CheckedConfig =
  | { role: 'broker'; result: ReadResult<BrokerConfig> }
  | { role: 'gateway'; result: ReadResult<GatewayConfig> }
  | { role: 'host-agent'; result: ReadResult<HostAgentConfig> }
  | { role: 'farm'; result: ReadResult<FarmConfig> }

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
  const chosen = role ?? guessRole(path, readYaml(path))
  switch (chosen) {
    case 'broker':
      return { role: chosen, result: read(path, brokerSchema, environment) }
    case 'gateway':
      return { role: chosen, result: read(path, gatewaySchema, environment) }
    case 'host-agent':
      return { role: chosen, result: read(path, hostAgentSchema, environment) }
    case 'farm':
      return { role: chosen, result: read(path, farmSchema, {}) }
  }
}

function guessRole(path: string, tree: unknown): RoleName {
  const keys = typeof tree === 'object' && tree !== null ? Object.keys(tree) : []
  if (keys.includes('issuer') || keys.includes('store')) return 'broker'
  if (keys.includes('agent') || keys.includes('consoles')) return 'host-agent'
  if (keys.includes('node') || keys.includes('trust')) return 'gateway'
  if (keys.includes('nodes')) return 'farm'
  throw new ConfigError(path, `fits no role; say which with --role ${ROLES.join(', ')}`)
}

export type ReadResult<T> = { config: T } | { faults: ConfigFault[] }

function read<T>(path: string, schema: z.ZodType<T>, environment: Environment): ReadResult<T> {
  const { tree, faults } = withEnvironment(readYaml(path), environment, schema, [
    brokerSchema,
    gatewaySchema,
    hostAgentSchema,
  ])
  const parsed = schema.safeParse(tree)
  if (parsed.success && faults.length === 0) {
    return { config: freeze(resolveFiles(parsed.data, dirname(resolve(path)))) }
  }
  return {
    faults: [...faults, ...(parsed.success ? [] : describeFaults(parsed.error, schema, tree))],
  }
}

function valueOrThrow<T>(result: ReadResult<T>): T {
  if ('config' in result) return result.config
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
    throw new ConfigError(path, `is no YAML: ${firstLine(errorText(error))}`, { cause: error })
  }
}

/** The parser goes on to draw the place. */
function firstLine(text: string): string {
  return (text.split('\n')[0] ?? '').replace(/:$/, '')
}

/** Makes every `…File`, `…Directory` and `file` absolute, since the role's working directory is nobody's promise. */
function resolveFiles<T>(tree: T, directory: string): T {
  const walk = (value: unknown, key: string): unknown => {
    if (typeof value === 'string') {
      return /^file$|File$|Directory$/.test(key) ? resolve(directory, value) : value
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

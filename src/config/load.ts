import { dirname, resolve } from 'node:path'
import type { z } from 'zod'
import { ConfigError, needWords } from '../lib/index.ts'
import type { BrokerConfig } from './broker.ts'
import { type Environment, withEnvironment } from './environment.ts'
import type { FarmConfig } from './farm.ts'
import { type ConfigFault, describeFaults } from './faults.ts'
import type { GatewayConfig } from './gateway.ts'
import type { HostAgentConfig } from './host-agent.ts'
import { ENVIRONMENT_SCHEMAS, guessRole, type RoleName, SCHEMAS } from './roles.ts'
import { readYaml } from './yaml.ts'

/** @throws ConfigError naming the first fault; {@link checkConfig} gives all of them */
export function loadBrokerConfig(
  path: string,
  environment: Environment = process.env,
): BrokerConfig {
  return valueOrThrow(read(path, SCHEMAS.broker, environment))
}

/** As {@link loadBrokerConfig}, for a gateway node. */
export function loadGatewayConfig(
  path: string,
  environment: Environment = process.env,
): GatewayConfig {
  return valueOrThrow(read(path, SCHEMAS.gateway, environment))
}

/** As {@link loadBrokerConfig}, for a host agent. */
export function loadHostAgentConfig(
  path: string,
  environment: Environment = process.env,
): HostAgentConfig {
  return valueOrThrow(read(path, SCHEMAS['host-agent'], environment))
}

/** As {@link loadBrokerConfig}, for the balancer's files; variables play no part in it. */
export function loadFarmConfig(path: string): FarmConfig {
  return valueOrThrow(read(path, SCHEMAS.farm, {}))
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
      return { role: chosen, result: read(path, SCHEMAS.broker, environment) }
    case 'gateway':
      return { role: chosen, result: read(path, SCHEMAS.gateway, environment) }
    case 'host-agent':
      return { role: chosen, result: read(path, SCHEMAS['host-agent'], environment) }
    case 'farm':
      return { role: chosen, result: read(path, SCHEMAS.farm, {}) }
  }
}

export type ReadResult<T> = { config: T } | { faults: ConfigFault[] }

function read<T>(path: string, schema: z.ZodType<T>, environment: Environment): ReadResult<T> {
  const { tree, faults } = withEnvironment(readYaml(path), environment, schema, ENVIRONMENT_SCHEMAS)
  const parsed = schema.safeParse(tree, { error: needWords })
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

/** Makes every `…File`, `…Directory` and `file` absolute, since the role's working directory is nobody's promise. */
function resolveFiles<T>(tree: T, directory: string): T {
  const walk = (value: unknown, key: string): unknown => {
    if (typeof value === 'string') {
      return namesFile(key) ? resolve(directory, value) : value
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

export function namesFile(key: string): boolean {
  return /^file$|File$|Directory$/.test(key)
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !(value instanceof Date)) {
    Object.values(value).forEach(freeze)
    Object.freeze(value)
  }
  return value
}

import type { z } from 'zod'
import { ConfigError } from '../lib/index.ts'
import { brokerSchema } from './broker.ts'
import { farmSchema } from './farm.ts'
import { gatewaySchema } from './gateway.ts'
import { hostAgentSchema } from './host-agent.ts'
import { editorSchema, type JsonSchema } from './json-schema.ts'

export const SCHEMAS = {
  broker: brokerSchema,
  gateway: gatewaySchema,
  'host-agent': hostAgentSchema,
  farm: farmSchema,
} as const

export type RoleName = keyof typeof SCHEMAS
export const ROLES: readonly RoleName[] = ['broker', 'gateway', 'host-agent', 'farm']

/** Variables play no part in a farm's file. */
export const ENVIRONMENT_SCHEMAS: z.ZodType[] = [brokerSchema, gatewaySchema, hostAgentSchema]

/** The role that a file's keys speak of. @throws ConfigError when they fit none */
export function guessRole(path: string, tree: unknown): RoleName {
  const keys = typeof tree === 'object' && tree !== null ? Object.keys(tree) : []
  if (keys.includes('issuer') || keys.includes('store')) return 'broker'
  if (keys.includes('agent') || keys.includes('consoles')) return 'host-agent'
  if (keys.includes('node') || keys.includes('trust')) return 'gateway'
  if (keys.includes('nodes')) return 'farm'
  throw new ConfigError(path, `fits no role; say which with --role ${ROLES.join(', ')}`)
}

/** JSON Schema of a role's file, for an editor. */
export function editorSchemaOf(role: RoleName): JsonSchema {
  return editorSchema(SCHEMAS[role], `Portcullis: ${role}.yaml`)
}

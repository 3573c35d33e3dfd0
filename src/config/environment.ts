import type { z } from 'zod'
import type { ConfigFault } from './faults.ts'
import { nearest } from './nearest.ts'
import { leafPaths, schemaAt, unwrap } from './schema-walk.ts'

export type Environment = Readonly<Record<string, string | undefined>>

const PREFIX = 'PORTCULLIS_'

/** Variables of the command line, which are no settings of a role. */
const COMMAND_LINE = new Set(['PORTCULLIS_API', 'PORTCULLIS_CA', 'PORTCULLIS_KEY_FILE'])

/**
 * Puts `PORTCULLIS_…` variables over the file's values: `tokens.lifetimeSeconds` is
 * `PORTCULLIS_TOKENS_LIFETIME_SECONDS`. Lists can only be given in the file.
 *
 * @param allRoles schemas whose variables may be set as well, since one environment serves several roles
 * @returns the merged tree, and a fault for each variable that names no setting
 */
export function withEnvironment(
  tree: unknown,
  environment: Environment,
  role: z.ZodType,
  allRoles: z.ZodType[],
): { tree: unknown; faults: ConfigFault[] } {
  const paths = new Map(leafPaths(role).map((path) => [variableName(path), path]))
  const others = new Set(allRoles.flatMap((schema) => leafPaths(schema).map(variableName)))
  const faults: ConfigFault[] = []
  let merged = tree
  for (const [name, text] of Object.entries(environment)) {
    if (!name.startsWith(PREFIX) || COMMAND_LINE.has(name) || text === undefined) continue
    const path = paths.get(name)
    if (path !== undefined) merged = setAt(merged, path, readValue(text, schemaAt(role, path)))
    else if (!others.has(name)) faults.push(unknownVariable(name, [...paths.keys()]))
  }
  return { tree: merged, faults }
}

/** `tokens.lifetimeSeconds` is `PORTCULLIS_TOKENS_LIFETIME_SECONDS`. */
export function variableName(path: string[]): string {
  const words = path.map((key) => key.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase())
  return PREFIX + words.join('_')
}

/** Numbers and truth values for settings that are such; whatever is neither stays text and is refused with its path. */
function readValue(text: string, schema: unknown): unknown {
  const { type } = typeOf(schema)
  if (type === 'number' && /^-?\d+(\.\d+)?$/.test(text)) return Number(text)
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true'
  return text
}

function typeOf(schema: unknown): { type: string } {
  const inner = unwrap(schema).schema
  const hasType = typeof inner === 'object' && inner !== null && 'type' in inner
  return { type: hasType ? String(inner.type) : 'unknown' }
}

/** A copy of the tree with one value set; what is in the way and no mapping is left for the schema to refuse. */
function setAt(tree: unknown, [key, ...rest]: string[], value: unknown): unknown {
  if (key === undefined) return value
  if (tree === undefined || tree === null) return { [key]: setAt(undefined, rest, value) }
  if (typeof tree !== 'object' || Array.isArray(tree)) return tree
  const child: unknown = Reflect.get(tree, key)
  return { ...tree, [key]: setAt(child, rest, value) }
}

function unknownVariable(name: string, known: string[]): ConfigFault {
  const guess = nearest(name, known)
  return {
    path: name,
    message: `names no setting${guess === undefined ? '' : `; did you mean ${guess}?`}`,
  }
}

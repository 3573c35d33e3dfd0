import { dirname, resolve } from 'node:path'
import { ConfigError, needWords } from '../lib/index.ts'
import { type Environment, variableName, withEnvironment } from './environment.ts'
import { type ConfigFault, describeFaults } from './faults.ts'
import { type JsonSchema, type KnownKey, knownKeys, partSchema } from './json-schema.ts'
import { namesFile } from './load.ts'
import { nearest } from './nearest.ts'
import { ENVIRONMENT_SCHEMAS, guessRole, ROLES, type RoleName, SCHEMAS } from './roles.ts'
import { leafPaths, valueAt } from './schema-walk.ts'
import { readYaml } from './yaml.ts'

/** One key of one role: what it is, what it may be, and what it is here. */
export interface KeyExplanation {
  key: string
  role: RoleName
  description: string | undefined
  /** In words; of a list or mapping, what is in it. */
  type: string
  /** What a value has to be, as errors say it. */
  need: string | undefined
  unit: string | undefined
  minimum: number | undefined
  maximum: number | undefined
  choices: unknown[] | undefined
  default: unknown
  required: boolean
  /** Environment variable that overrides it; undefined where there is none, as for lists. */
  variable: string | undefined
  /** Undefined when nothing gives one; files with their whole path. */
  value: unknown
  /** `several`: the key names no place in the list that it is in. */
  source: 'file' | 'environment' | 'default' | 'unset' | 'several'
  /** What is wrong with the value here. */
  faults: ConfigFault[]
}

export interface ExplainOptions {
  /** Default: that of the file, or without one every role that knows the key. */
  role?: RoleName | undefined
  /** YAML file. */
  file?: string | undefined
  environment?: Environment
  /** What the roles themselves put in the place of optional settings, as trees. */
  builtIn?: Partial<Record<RoleName, unknown>>
}

/**
 * @param key `tokens.lifetimeSeconds`, `listeners.0.address`, or `listeners.address` for any of a list
 * @throws ConfigError for a key that no such role knows, naming the nearest; for a file that can't be read
 */
export function explainKey(key: string, options: ExplainOptions = {}): KeyExplanation[] {
  const { role, file, environment = process.env, builtIn = {} } = options
  const tree = file === undefined ? undefined : readYaml(file)
  const chosen = role ?? (file === undefined ? undefined : guessRole(file, tree))
  const roles = chosen === undefined ? ROLES : [chosen]
  const path = key
    .replaceAll(/\[(\d*)\]/g, '.$1')
    .split('.')
    .filter((part) => part !== '')
  const found = roles.flatMap((name) => {
    const keys = knownKeys(partSchema(SCHEMAS[name]))
    const known = keys.find((candidate) => matches(candidate.path, path))
    return known === undefined ? [] : [{ role: name, known, keys }]
  })
  if (found.length === 0) throw new ConfigError(key, unknownKey(path, roles))
  return found.map(({ role, known, keys }) => ({
    key: path.join('.'),
    role,
    ...describe(known),
    ...effective({ role, path, known, keys, tree, file, environment, builtIn: builtIn[role] }),
  }))
}

/** A place in a list may be left out, a key of a map may not. */
function matches([known, ...rest]: string[], asked: string[]): boolean {
  const [part, ...more] = asked
  if (known === undefined) return part === undefined
  if (known === '[]') {
    return (part !== undefined && /^\d+$/.test(part) && matches(rest, more)) || matches(rest, asked)
  }
  return part !== undefined && (known === '*' || known === part) && matches(rest, more)
}

function unknownKey(path: string[], roles: readonly RoleName[]): string {
  const keysOf = (role: RoleName): KnownKey[] => knownKeys(partSchema(SCHEMAS[role]))
  const others = ROLES.filter((role) => keysOf(role).some((known) => matches(known.path, path)))
  const where = roles.length === 1 ? ` of ${roles[0]}` : ''
  if (others.length > 0) return `unknown setting${where}; it is one of ${others.join(', ')}`
  const known = [...new Set(roles.flatMap(keysOf).map(({ path }) => shown(path)))]
  const asked = path.join('.')
  const guess =
    known.find((candidate) => candidate.endsWith(`.${asked}`)) ??
    nearest(asked, known) ??
    nearestInner(asked, known)
  const advice = guess === undefined ? 'see portcullis config schema' : `did you mean ${guess}?`
  return `unknown setting${where}; ${advice}`
}

/** For one who gave the last word of a key, and mistyped it. */
function nearestInner(asked: string, known: string[]): string | undefined {
  const lastOf = (key: string): string => key.slice(key.lastIndexOf('.') + 1)
  const guess = nearest(lastOf(asked), known.map(lastOf))
  return known.find((candidate) => lastOf(candidate) === guess)
}

/** Without the places in lists, which may be left out. */
function shown(path: string[]): string {
  return path.filter((part) => part !== '[]').join('.')
}

const UNITS: readonly [RegExp, string][] = [
  [/Ms$/, 'milliseconds'],
  [/Seconds$/, 'seconds'],
  [/Hours$/, 'hours'],
  [/Days$/, 'days'],
  [/PerMinute$/, 'per minute'],
]

function describe({ path, schema, required }: KnownKey) {
  const last = path.at(-1) ?? ''
  const { description, need, minimum, maximum } = schema
  return {
    description,
    type: typeOf(schema),
    need: typeof need === 'string' ? need : undefined,
    unit: UNITS.find(([ending]) => ending.test(last))?.[1],
    minimum: minimum ?? schema.minItems,
    maximum: maximum ?? schema.maxItems,
    choices: schema.enum,
    default: schema.default,
    required,
  }
}

const TYPES: Record<string, string> = {
  string: 'text',
  integer: 'whole number',
  boolean: 'true or false',
  null: 'nothing',
}

function typeOf(schema: JsonSchema): string {
  if (schema.const !== undefined) return String(schema.const)
  const either = (schema.anyOf ?? []).flatMap((branch) =>
    typeof branch === 'object' ? [typeOf(branch)] : [],
  )
  if (either.length > 0) return [...new Set(either)].join(' or ')
  if (schema.type === 'array') return 'list'
  if (schema.type !== 'object') return TYPES[String(schema.type)] ?? String(schema.type)
  const keys = Object.keys(schema.properties ?? {})
  return keys.length === 0 ? 'mapping' : `mapping of ${keys.join(', ')}`
}

interface Place {
  role: RoleName
  path: string[]
  known: KnownKey
  keys: KnownKey[]
  tree: unknown
  file: string | undefined
  environment: Environment
  builtIn: unknown
}

type Effective = Pick<KeyExplanation, 'variable' | 'value' | 'source' | 'faults' | 'default'>

function effective(place: Place): Effective {
  const { role, path, known, tree, file, environment, builtIn } = place
  const schema = SCHEMAS[role]
  // Variables play no part in a farm's file.
  const variables = role === 'farm' ? {} : environment
  const merged = withEnvironment(tree, variables, schema, ENVIRONMENT_SCHEMAS)
  const settable =
    role !== 'farm' && leafPaths(schema).some((leaf) => leaf.join('.') === path.join('.'))
  const variable = settable ? variableName(path) : undefined
  const byDefault = known.schema.default ?? valueAt(builtIn, path)
  const common = { variable, default: byDefault }

  if (known.path.length > path.length) {
    return { ...common, value: undefined, source: 'several', faults: [] }
  }
  const given = valueAt(merged.tree, path)
  if (given === undefined) {
    const value = file === undefined || hasParents(place, merged.tree) ? byDefault : undefined
    const source = value === undefined ? 'unset' : 'default'
    return { ...common, value, source, faults: faultsAt(place, merged.tree) }
  }
  const last = path.at(-1) ?? ''
  const isFile = typeof given === 'string' && namesFile(last) && file !== undefined
  return {
    ...common,
    value: isFile ? resolve(dirname(resolve(file)), given) : given,
    source: variable !== undefined && variables[variable] !== undefined ? 'environment' : 'file',
    faults: faultsAt(place, merged.tree),
  }
}

/** A default counts only within mappings that are there, or are made up of defaults. */
function hasParents({ path, keys }: Place, tree: unknown): boolean {
  return path.slice(0, -1).every((_, index) => {
    const parent = path.slice(0, index + 1)
    const known = keys.find((candidate) => matches(candidate.path, parent))
    return valueAt(tree, parent) !== undefined || known?.schema.default !== undefined
  })
}

/** Of the value or of anything in it; without a file there is nothing to be wrong but variables. */
function faultsAt({ role, path, file }: Place, tree: unknown): ConfigFault[] {
  const { error } = SCHEMAS[role].safeParse(tree, { error: needWords })
  if (error === undefined) return []
  const key = path.join('.')
  return describeFaults(error, SCHEMAS[role], tree).filter(
    (fault) =>
      (fault.path === key || fault.path.startsWith(`${key}.`)) &&
      (file !== undefined || valueAt(tree, path) !== undefined),
  )
}

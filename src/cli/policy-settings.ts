import { InvalidArgumentError } from 'commander'
import { faultWords } from '../lib/index.ts'
import {
  BUILT_IN_POLICY,
  POLICY_NAMES,
  type PolicyBody,
  type PolicyName,
  policyValues,
} from '../policy/index.ts'
import { readText } from './files.ts'

/** One setting of an option, `NAME=VALUE`. */
export interface Setting {
  name: PolicyName
  value: unknown
}

/** A change to one layer. */
export interface PolicyChange {
  default: Setting[]
  enforce: Setting[]
  unset: PolicyName[]
}

/** @throws InvalidArgumentError naming the setting and what its value may be */
export function parseSetting(text: string): Setting {
  const at = text.indexOf('=')
  if (at < 0) throw new InvalidArgumentError('need NAME=VALUE.')
  const name = parseName(text.slice(0, at))
  const value = readValue(name, text.slice(at + 1))
  const result = policyValues.shape[name].safeParse(value, { error: faultWords })
  if (result.success) return { name, value: result.data }
  throw new InvalidArgumentError(`${name}: ${result.error.issues[0]?.message}.`)
}

/** @throws InvalidArgumentError with all that there are */
export function parseName(text: string): PolicyName {
  const name = POLICY_NAMES.find((known) => known === text)
  if (name !== undefined) return name
  throw new InvalidArgumentError(`${text}: need one of ${POLICY_NAMES.join(', ')}.`)
}

/** For `parseSetting` and the like, as a commander option that may be repeated. */
export function collect<Value>(parse: (text: string) => Value) {
  return (text: string, before: Value[] = []): Value[] => [...before, parse(text)]
}

/** The layer with the change made: a setting is a default, or enforced, or not set. */
export function changeLayer(layer: PolicyBody, change: PolicyChange): PolicyBody {
  const touched = [...change.default, ...change.enforce].map(({ name }) => name)
  const gone = new Set<string>([...change.unset, ...touched])
  const merge = (values: PolicyBody['default'] = {}, settings: Setting[]) => ({
    ...Object.fromEntries(Object.entries(values).filter(([name]) => !gone.has(name))),
    ...Object.fromEntries(settings.map(({ name, value }) => [name, value])),
  })
  return {
    default: merge(layer.default, change.default),
    enforce: merge(layer.enforce, change.enforce),
  }
}

/** A value for people, as {@link parseSetting} takes it. */
export function renderValue(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.join(',')
  if (value === '') return 'none'
  // A consent text may have lines.
  return typeof value === 'string' ? value.replaceAll('\n', '\\n') : String(value)
}

/** All that there are, a line each: what the schema says of it, and its words where it takes only some. */
export function renderSettings(): string {
  const width = Math.max(...POLICY_NAMES.map((name) => name.length))
  return POLICY_NAMES.map((name) => {
    const schema = policyValues.shape[name]
    const words = 'options' in schema ? ` (${schema.options.join(', ')})` : ''
    return `  ${name.padEnd(width)}  ${schema.meta()?.description ?? ''}${words}`
  }).join('\n')
}

/** By the sort of the built-in value; what is neither is left for the schema to refuse. */
function readValue(name: PolicyName, text: string): unknown {
  const builtIn = BUILT_IN_POLICY[name]
  if (Array.isArray(builtIn)) return text === 'none' || text === '' ? [] : text.split(',')
  if (typeof builtIn === 'number') return /^\d{1,9}$/.test(text) ? Number(text) : text
  if (typeof builtIn === 'boolean') return { true: true, false: false }[text] ?? text
  if (name !== 'consentText') return text
  if (text === 'none') return ''
  // An editor ends the file with a line feed that nobody wrote.
  return text.startsWith('@') ? readText(text.slice(1), name).replace(/\n$/, '') : text
}

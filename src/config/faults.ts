import { z } from 'zod'
import { nearest } from './nearest.ts'
import { schemaAt, unwrap, valueAt } from './schema-walk.ts'

/** One thing wrong with a configuration: where, what is there, what is needed. */
export interface ConfigFault {
  /** Dotted: `listeners.0.address`; the name of the variable when one is at fault. */
  path: string
  message: string
  /** What to look up: this setting, or the nearest to an unknown one; absent when there is none. */
  setting?: string
}

/** What `needWords` say of a refinement without words of its own, which is less than the schema does. */
const SILENT = 'is not valid'

/** The faults that a schema found in a value, parsed with `needWords`, in words for the person who wrote it. */
export function describeFaults(
  error: z.ZodError,
  schema: z.ZodType,
  value: unknown,
): ConfigFault[] {
  return error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => unknownKey([...issue.path, key], schema))
      : [knownFault(issue, schema, value)],
  )
}

function knownFault(issue: z.core.$ZodIssue, schema: z.ZodType, value: unknown): ConfigFault {
  const path = dotted(issue.path)
  const message = describe(issue, schema, value)
  return { path, message, ...(issue.path.length === 0 ? {} : { setting: path }) }
}

function unknownKey(path: PropertyKey[], schema: z.ZodType): ConfigFault {
  const { schema: parent } = unwrap(schemaAt(schema, path.slice(0, -1)))
  const known = parent instanceof z.ZodObject ? Object.keys(parent.shape) : []
  const guess = nearest(String(path.at(-1)), known)
  if (guess === undefined) {
    return { path: dotted(path), message: `unknown setting; known are ${known.join(', ')}` }
  }
  const message = `unknown setting; did you mean ${guess}?`
  return { path: dotted(path), message, setting: dotted([...path.slice(0, -1), guess]) }
}

function describe(issue: z.core.$ZodIssue, schema: z.ZodType, value: unknown): string {
  const { need: known } = unwrap(schemaAt(schema, issue.path))
  const ownWords = issue.code === 'custom' && issue.message !== SILENT ? issue.message : undefined
  const need = ownWords ?? (known === undefined ? issue.message : `need ${known}`)
  const found = valueAt(value, issue.path)
  return found === undefined ? `missing; ${need}` : `have ${shown(found)}; ${need}`
}

/** Short enough for one line. Nothing in a configuration is a secret: secrets are in files it names. */
function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 80 ? `${text.slice(0, 77)}…` : text
}

function dotted(path: PropertyKey[]): string {
  return path.length === 0 ? 'configuration' : path.map(String).join('.')
}

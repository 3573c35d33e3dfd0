import { z } from 'zod'

/** JSON Schema as it is made here: draft 7, which editors know. */
export type JsonSchema = z.core.JSONSchema.BaseSchema

/**
 * What a file may hold, in JSON Schema: keys, types, ranges, defaults, and what each key is. Rules between
 * keys are not in it; `config check` knows those.
 *
 * `need` is left in every part: what a value has to be, in the words of an error.
 */
export function partSchema(schema: z.ZodType): JsonSchema {
  const { $schema: _, ...part } = z.toJSONSchema(schema, {
    io: 'input',
    target: 'draft-7',
    override: ({ zodSchema, jsonSchema }) => {
      // Left out by zod where what comes out differs in type from what goes in.
      if (zodSchema instanceof z.ZodDefault) jsonSchema.default = zodSchema.def.defaultValue
    },
  })
  return part
}

/** For editors: {@link partSchema} with `need` told in the description, where a hover shows it. */
export function editorSchema(schema: z.ZodType, title: string): JsonSchema {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title,
    ...z.record(z.string(), z.unknown()).parse(withNeedTold(partSchema(schema))),
  }
}

function withNeedTold(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withNeedTold)
  if (typeof value !== 'object' || value === null) return value
  const { need, ...rest } = { need: undefined, ...value }
  const entries = Object.entries(rest).map(([key, inner]) => [key, withNeedTold(inner)])
  const schema: Record<string, unknown> = Object.fromEntries(entries)
  if (typeof need !== 'string') return schema
  const told = `Value: ${need}.`
  const { description } = schema
  return {
    ...schema,
    description: typeof description === 'string' ? `${description}\n\n${told}` : told,
  }
}

/** A key in a schema, with the keys that lead to it: `[]` is any place in a list, `*` any key of a map. */
export interface KnownKey {
  path: string[]
  schema: JsonSchema
  /** The schema around it lists it as one that has to be there. */
  required: boolean
}

/** Every key that a schema knows, outer ones first. */
export function knownKeys(schema: JsonSchema, path: string[] = []): KnownKey[] {
  const own = Object.entries(schema.properties ?? {}).flatMap(([name, child]) =>
    withInner([...path, name], child, schema.required?.includes(name) ?? false),
  )
  const inList = Array.isArray(schema.items) ? [] : withInner([...path, '[]'], schema.items, false)
  const inMap = withInner([...path, '*'], schema.additionalProperties, false)
  const either = (schema.anyOf ?? []).flatMap((branch) =>
    typeof branch === 'object' ? knownKeys(branch, path) : [],
  )
  return [...own, ...inList, ...inMap, ...either]
}

function withInner(
  path: string[],
  schema: JsonSchema | boolean | undefined,
  required: boolean,
): KnownKey[] {
  if (typeof schema !== 'object') return []
  return [{ path, schema, required }, ...knownKeys(schema, path)]
}

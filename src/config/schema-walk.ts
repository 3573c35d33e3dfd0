import { z } from 'zod'

declare module 'zod' {
  interface GlobalMeta {
    /** Completes the sentence "need …" in an error. */
    need?: string
  }
}

/** The schema behind `default`, `optional` and `transform`, with the first `need` met on the way. */
export function unwrap(schema: unknown): { schema: unknown; need: string | undefined } {
  let current = schema
  let need: string | undefined
  for (;;) {
    if (current instanceof z.ZodType) need ??= current.meta()?.need
    if (
      current instanceof z.ZodDefault ||
      current instanceof z.ZodPrefault ||
      current instanceof z.ZodOptional ||
      current instanceof z.ZodExactOptional
    ) {
      current = current.def.innerType
    } else if (current instanceof z.ZodPipe) {
      current = current.def.in
    } else {
      return { schema: current, need }
    }
  }
}

/** The schema of the value at a path; undefined where the schema knows no such path. */
export function schemaAt(root: z.ZodType, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((schema, key) => {
    const inner = unwrap(schema).schema
    if (inner instanceof z.ZodObject) return inner.shape[String(key)]
    if (inner instanceof z.ZodArray) return inner.element
    return undefined
  }, root)
}

/** Paths of all single values; lists are not walked into. */
export function leafPaths(root: unknown, path: string[] = []): string[][] {
  const { schema } = unwrap(root)
  if (schema instanceof z.ZodArray) return []
  if (!(schema instanceof z.ZodObject)) return [path]
  return Object.entries(schema.shape).flatMap(([key, child]) => leafPaths(child, [...path, key]))
}

/** What a tree holds at a path; undefined where there is nothing. */
export function valueAt(tree: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (parent, key) =>
      typeof parent === 'object' && parent !== null ? Reflect.get(parent, key) : undefined,
    tree,
  )
}

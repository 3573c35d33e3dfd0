import type { DeleteResult } from 'kysely'
import type { DeleteOutcome } from './store.ts'

/** A row whose NULL columns are absent instead. */
export type Present<Row> = {
  [Name in keyof Row as null extends Row[Name] ? never : Name]: Row[Name]
} & {
  [Name in keyof Row as null extends Row[Name] ? Name : never]?: NonNullable<Row[Name]>
}

export function present<Row extends object>(row: Row): Present<Row> {
  const entries = Object.entries(row).filter(([, value]) => value !== null)
  // Object.fromEntries forgets the names; Present says exactly what the filter did.
  return Object.fromEntries(entries) as Present<Row>
}

/** A column with names and a space between; what is none of them is left out. */
export function parseNames<Name extends string>(text: string, names: readonly Name[]): Name[] {
  const found = text.split(' ')
  return names.filter((name) => found.includes(name))
}

/** What a new row of the inventory starts with. */
export function stamped(nowMs: number) {
  return { revision: 1, createdAtMs: nowMs, updatedAtMs: nowMs }
}

/** Tells a row that was not there from one that others still name. */
export async function deleted(
  { numDeletedRows }: DeleteResult,
  find: () => Promise<unknown>,
): Promise<DeleteOutcome> {
  if (numDeletedRows > 0n) return 'deleted'
  return (await find()) === undefined ? 'not-found' : 'in-use'
}

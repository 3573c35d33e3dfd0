import type { Compilable, CompiledQuery, Kysely } from 'kysely'
import type { Database } from './schema.ts'

/**
 * A query for one row by one value, built and compiled once: for those that every mint makes. For a join, building takes
 * five times as long as all the rest of the query.
 *
 * @param build called once; the value is all that the query binds
 * @returns the row for a value; undefined when there is none
 */
export function prepare<Row>(
  db: Kysely<Database>,
  build: (value: string) => Compilable<Row>,
): (value: string) => Promise<Row | undefined> {
  let compiled: CompiledQuery<Row> | undefined
  return async (value) => {
    compiled ??= build('').compile()
    const { rows } = await db.executeQuery<Row>({ ...compiled, parameters: [value] })
    return rows[0]
  }
}

/** Rows of one statement. */
const CHUNK = 64

/**
 * A write of many rows, built and compiled once: building takes ten times as long as all the rest.
 *
 * @param build binds the values of its rows first, in the order of their columns; all rows have the same columns in the
 *   same order, and no value is undefined
 */
export function prepareRows<Row extends object>(
  build: (rows: Row[]) => Compilable,
): (db: Kysely<Database>, rows: readonly Row[]) => Promise<void> {
  const compiled = new Map<number, CompiledQuery>()

  const write = async (db: Kysely<Database>, rows: Row[]): Promise<void> => {
    const query = compiled.get(rows.length) ?? build(rows).compile()
    compiled.set(rows.length, query)
    const values = rows.flatMap((row) => Object.values(row))
    const parameters = [...values, ...query.parameters.slice(values.length)]
    await db.executeQuery({ ...query, parameters })
  }

  return async (db, rows) => {
    const whole = rows.length - (rows.length % CHUNK)
    for (let start = 0; start < whole; start += CHUNK) {
      await write(db, rows.slice(start, start + CHUNK))
    }
    // One by one, so that two statements are all that there ever are.
    for (const row of rows.slice(whole)) await write(db, [row])
  }
}

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

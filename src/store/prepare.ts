import type { Compilable, CompiledQuery, Kysely } from 'kysely'
import type { Database } from './schema.ts'

/** In place of a value while a statement is built. */
class StandIn {
  readonly name: string

  constructor(name: string) {
    this.name = name
  }
}

/**
 * A statement built and compiled once: for those that every mint or every redeem makes. For a join, building takes five
 * times as long as all the rest of the query, for an insert twice as long.
 *
 * @param build called at the first use, with the names of its values alone; each use has the same names
 * @returns gives the rows for such values, in a transaction when it is told which
 */
export function prepare<Values extends object, Row>(
  db: Kysely<Database>,
  build: (values: Values) => Compilable<Row>,
): (values: Values, on?: Kysely<Database>) => Promise<Row[]> {
  let compiled: CompiledQuery<Row> | undefined
  return async (values, on = db) => {
    compiled ??= build(standIns(values)).compile()
    const parameters = compiled.parameters.map((parameter) =>
      // Made below of a name of Values.
      parameter instanceof StandIn ? values[parameter.name as keyof Values] : parameter,
    )
    const { rows } = await on.executeQuery<Row>({ ...compiled, parameters })
    return rows
  }
}

function standIns<Values extends object>(values: Values): Values {
  const entries = Object.keys(values).map((name) => [name, new StandIn(name)])
  // Kysely binds whatever it is given, and leaves the types to node:sqlite.
  return Object.fromEntries(entries) as Values
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
  const write = prepareStatement(build)
  return async (db, rows) => {
    const whole = rows.length - (rows.length % CHUNK)
    for (let start = 0; start < whole; start += CHUNK) {
      await write(db, rows.slice(start, start + CHUNK))
    }
    // One by one, so that two statements are all that there ever are.
    for (const row of rows.slice(whole)) await write(db, [row])
  }
}

/** The same in one statement, built and compiled once for each number of rows. */
export function prepareStatement<Row extends object>(
  build: (rows: Row[]) => Compilable,
): (db: Kysely<Database>, rows: Row[]) => Promise<void> {
  const compiled = new Map<number, CompiledQuery>()
  return async (db, rows) => {
    const query = compiled.get(rows.length) ?? build(rows).compile()
    compiled.set(rows.length, query)
    const values = rows.flatMap((row) => Object.values(row))
    const parameters = [...values, ...query.parameters.slice(values.length)]
    await db.executeQuery({ ...query, parameters })
  }
}

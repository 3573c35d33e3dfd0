import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { setImmediate as endOfTurn } from 'node:timers/promises'
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type Kysely,
  type QueryResult,
  SelectQueryNode,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import { BrokerError, errorText } from '../lib/index.ts'

/** Prepared statements kept; the store has fewer different ones, so none is ever prepared twice. */
const MAX_STATEMENTS = 300

/**
 * Kysely's SQLite dialect over `node:sqlite`.
 *
 * `node:sqlite` is synchronous and `synchronous=FULL` waits for the disk at each commit, so the
 * writes of one event-loop turn share a commit: it comes at the end of the turn, and a write's promise
 * resolves after it. A write that fails (a constraint) undoes itself alone, and so does an explicit
 * transaction: it is a savepoint in the turn's own.
 *
 * Every failure is a BrokerError `ERR_STORE` with the engine's error as `cause`.
 */
export function sqliteDialect(database: DatabaseSync): Dialect {
  return {
    createDriver: () => new NodeSqliteDriver(database),
    createQueryCompiler: () => new SqliteQueryCompiler(),
    createAdapter: () => new NodeSqliteAdapter(),
    createIntrospector: (db: Kysely<unknown>) => new SqliteIntrospector(db),
  }
}

interface Prepared {
  statement: StatementSync
  givesRows: boolean
}

class NodeSqliteAdapter extends SqliteAdapter {
  /** The driver keeps transactions apart itself: Kysely's lock would let one write in per commit. */
  override get supportsMultipleConnections(): boolean {
    return true
  }

  override get supportsTransactionalDdl(): boolean {
    return true
  }
}

class NodeSqliteDriver implements Driver {
  readonly #database: DatabaseSync
  readonly #statements = new Map<string, Prepared>()
  /** Commit of this turn's writes and transactions. */
  #batch: Promise<void> | undefined
  /** The connection with an explicit transaction; all others wait for its end. */
  #transaction: { owner: DatabaseConnection; ended: PromiseWithResolvers<void> } | undefined

  constructor(database: DatabaseSync) {
    this.#database = database
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    const connection: DatabaseConnection = {
      executeQuery: <Row>(query: CompiledQuery) => this.#execute<Row>(connection, query),
      streamQuery: () => {
        throw new Error('streaming is not supported')
      },
    }
    return connection
  }

  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    // INVARIANT: no await between the last look and taking the turn, so that one transaction is open.
    while (this.#transaction !== undefined) await this.#transaction.ended.promise
    this.#transaction = { owner: connection, ended: Promise.withResolvers() }
    try {
      void this.#joinBatch()
      this.#database.exec('savepoint own')
    } catch (error) {
      // Kysely rolls back only what has begun: the others would wait for ever.
      this.#endTransaction(connection)
      throw storeError(error)
    }
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    const committed = this.#batch
    try {
      this.#endTransaction(connection, 'release own')
      await committed
    } catch (error) {
      throw storeError(error)
    }
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    try {
      this.#endTransaction(connection, 'rollback to own; release own')
    } catch (error) {
      throw storeError(error)
    }
  }

  async releaseConnection(): Promise<void> {}

  async destroy(): Promise<void> {
    await this.#batch?.catch(() => {})
    this.#statements.clear()
    this.#database.close()
  }

  async #execute<Row>(
    connection: DatabaseConnection,
    { sql, parameters, query }: CompiledQuery,
  ): Promise<QueryResult<Row>> {
    while (this.#transaction !== undefined && this.#transaction.owner !== connection) {
      await this.#transaction.ended.promise
    }
    const inBatch = !SelectQueryNode.is(query) && this.#transaction === undefined
    try {
      const committed = inBatch ? this.#joinBatch() : undefined
      const result = this.#run<Row>(sql, parameters)
      await committed
      return result
    } catch (error) {
      throw storeError(error)
    }
  }

  #run<Row>(sql: string, parameters: readonly unknown[]): QueryResult<Row> {
    const { statement, givesRows } = this.#prepare(sql)
    // Kysely types parameters as unknown; node:sqlite itself refuses what it cannot bind.
    const values = parameters as SQLInputValue[]
    // The row type is the query builder's promise about its own SQL.
    if (givesRows) return { rows: statement.all(...values) as Row[] }
    return { rows: [], numAffectedRows: BigInt(statement.run(...values).changes) }
  }

  #joinBatch(): Promise<void> {
    if (this.#batch === undefined) {
      this.#database.exec('begin immediate')
      this.#batch = this.#commitBatch()
      this.#batch.catch(() => {}) // Not unhandled when every write of the turn failed by itself.
    } else if (!this.#database.isTransaction) {
      // What came now would be kept at once, and told as failed with the rest.
      throw new Error('the engine has undone the writes of this turn')
    }
    return this.#batch
  }

  async #commitBatch(): Promise<void> {
    await endOfTurn()
    // One that takes more turns is kept whole.
    while (this.#transaction !== undefined) await this.#transaction.ended.promise
    this.#batch = undefined
    try {
      this.#database.exec('commit')
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('rollback')
      throw error
    }
  }

  /** @param statements about its savepoint; absent: there is none */
  #endTransaction(connection: DatabaseConnection, statements = ''): void {
    // Kysely rolls back after a commit that failed: by then it may be another's turn.
    if (this.#transaction?.owner !== connection) return
    try {
      // An engine in trouble has undone all of the turn by itself, which its commit will tell.
      if (this.#database.isTransaction) this.#database.exec(statements)
    } finally {
      this.#transaction.ended.resolve()
      this.#transaction = undefined
    }
  }

  #prepare(sql: string): Prepared {
    const known = this.#statements.get(sql)
    if (known !== undefined) return known
    const statement = this.#database.prepare(sql)
    const prepared = { statement, givesRows: statement.columns().length > 0 }
    if (this.#statements.size < MAX_STATEMENTS) this.#statements.set(sql, prepared)
    return prepared
  }
}

function storeError(cause: unknown): BrokerError {
  return new BrokerError('ERR_STORE', `store: ${errorText(cause)}`, { cause })
}

import { chmodSync, closeSync, openSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { CamelCasePlugin, Kysely } from 'kysely'
import { BrokerError, errorText } from '../lib/index.ts'
import { migrate } from './migrations.ts'
import type { Database } from './schema.ts'
import { createSqlStore } from './sql-store.ts'
import { sqliteDialect } from './sqlite-dialect.ts'
import type { Store } from './store.ts'

/** How long a statement waits for another process's lock, which only a backup should ever hold. */
const BUSY_TIMEOUT_MS = 2_000

/**
 * The embedded engine: one file (mode 0600), migrated before the promise resolves.
 *
 * @param file path of the database, made when missing; `:memory:` keeps everything in this process
 * @throws BrokerError `ERR_STORE` when the file cannot be opened, is no database or is newer
 */
export async function openSqliteStore({ file }: { file: string }): Promise<Store> {
  const database = openDatabase(file)
  const db = new Kysely<Database>({
    dialect: sqliteDialect(database),
    plugins: [new CamelCasePlugin()],
  })
  try {
    await migrate(db)
  } catch (error) {
    await db.destroy()
    throw error
  }
  return createSqlStore(db)
}

function openDatabase(file: string): DatabaseSync {
  try {
    if (file !== ':memory:') makePrivate(file)
    const database = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS })
    // WAL lets readers and the writer not wait for each other; FULL makes a commit survive power loss.
    database.exec(
      'pragma journal_mode = wal; pragma synchronous = full; pragma trusted_schema = off',
    )
    return database
  } catch (error) {
    throw new BrokerError('ERR_STORE', `store ${file}: cannot be opened: ${errorText(error)}`, {
      cause: error,
    })
  }
}

/** SQLite gives its side files (-wal, -shm) the mode of the database file. */
function makePrivate(file: string): void {
  closeSync(openSync(file, 'a', 0o600))
  chmodSync(file, 0o600)
}

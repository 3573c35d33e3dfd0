import type { Kysely, Selectable, Transaction } from 'kysely'
import { present } from './rows.ts'
import type { Database, IssuerRow, RevocationRow, VersionRow } from './schema.ts'
import type { Revocations, Trust, Verifiers } from './store.ts'
import type { StoredRevocation, StoredTrustSet, TrustedCertificate } from './trust-records.ts'

export function createTrust(db: Kysely<Database>): Trust {
  return {
    // One transaction, so that the version is that of the list beside it.
    get: () => db.transaction().execute(readTrustSet),
    change: (change) =>
      db.transaction().execute(async (transaction) => {
        // Counting first: on engines with row locks the next change waits here.
        const version = await count(transaction, 'trust')
        const current = { version: version - 1, issuers: await listIssuers(transaction) }
        const issuers = change(current, version)
        if (issuers === undefined) {
          await setVersion(transaction, 'trust', current.version)
          return current
        }
        await transaction.deleteFrom('issuers').execute()
        if (issuers.length > 0) {
          await transaction.insertInto('issuers').values(issuers.map(toRow)).execute()
        }
        return readTrustSet(transaction)
      }),
  }
}

export function createRevocations(db: Kysely<Database>): Revocations {
  return {
    add: (revocation) =>
      db.transaction().execute(async (transaction) => {
        const version = await count(transaction, 'revocations')
        const { endSessions, note = null } = revocation
        await transaction
          .insertInto('revocations')
          .values({ ...revocation, endSessions: endSessions ? 1 : 0, note })
          .execute()
        return version
      }),
    list: (nowMs) =>
      db.transaction().execute(async (transaction) => {
        const rows = await transaction
          .selectFrom('revocations')
          .selectAll()
          .where('untilMs', '>=', nowMs)
          .orderBy('atMs')
          .orderBy('id')
          .execute()
        return {
          version: await readVersion(transaction, 'revocations'),
          items: rows.map(toRevocation),
        }
      }),
    async deleteExpiredBefore(timeMs) {
      const { numDeletedRows } = await db
        .deleteFrom('revocations')
        .where('untilMs', '<', timeMs)
        .executeTakeFirst()
      return Number(numDeletedRows)
    },
  }
}

export function createVerifiers(db: Kysely<Database>): Verifiers {
  return {
    async put(verifier) {
      await db
        .insertInto('verifiers')
        .values(verifier)
        .onConflict((conflict) => conflict.columns(['role', 'name']).doUpdateSet(verifier))
        .execute()
    },
    async seen(verifier) {
      await db
        .insertInto('verifiers')
        .values({ trustVersion: 0, revocationVersion: 0, ...verifier })
        .onConflict((conflict) => conflict.columns(['role', 'name']).doUpdateSet(verifier))
        .execute()
    },
    list: () => db.selectFrom('verifiers').selectAll().orderBy('role').orderBy('name').execute(),
    async delete(role, name) {
      const { numDeletedRows } = await db
        .deleteFrom('verifiers')
        .where('role', '=', role)
        .where('name', '=', name)
        .executeTakeFirst()
      return numDeletedRows > 0n
    },
  }
}

async function readTrustSet(db: Transaction<Database>): Promise<StoredTrustSet> {
  return { version: await readVersion(db, 'trust'), issuers: await listIssuers(db) }
}

async function listIssuers(db: Transaction<Database>): Promise<TrustedCertificate[]> {
  const rows = await db
    .selectFrom('issuers')
    .selectAll()
    .orderBy('thumbprint')
    .orderBy('purpose')
    .execute()
  return rows.map((row) => present(row))
}

async function count(db: Transaction<Database>, name: VersionRow['name']): Promise<number> {
  const { value } = await db
    .updateTable('versions')
    .set(({ eb }) => ({ value: eb('value', '+', 1) }))
    .where('name', '=', name)
    .returning('value')
    .executeTakeFirstOrThrow()
  return value
}

async function readVersion(db: Transaction<Database>, name: VersionRow['name']): Promise<number> {
  const { value } = await db
    .selectFrom('versions')
    .select('value')
    .where('name', '=', name)
    .executeTakeFirstOrThrow()
  return value
}

/** Only within the transaction that counted: nobody has seen the higher one. */
async function setVersion(
  db: Transaction<Database>,
  name: VersionRow['name'],
  value: number,
): Promise<void> {
  await db.updateTable('versions').set({ value }).where('name', '=', name).execute()
}

function toRevocation({ endSessions, ...row }: Selectable<RevocationRow>): StoredRevocation {
  return { ...present(row), endSessions: endSessions === 1 }
}

function toRow(issuer: TrustedCertificate): IssuerRow {
  return {
    ...issuer,
    broker: issuer.broker ?? null,
    notBeforeMs: issuer.notBeforeMs ?? null,
    notAfterMs: issuer.notAfterMs ?? null,
    certificateFile: issuer.certificateFile ?? null,
    privateKeyFile: issuer.privateKeyFile ?? null,
  }
}

import type { Kysely, Selectable } from 'kysely'
import { present } from './rows.ts'
import type { Database, NodeRow } from './schema.ts'
import type { Nodes } from './store.ts'
import type { GatewayNode } from './trust-records.ts'

export function createNodes(db: Kysely<Database>): Nodes {
  return {
    async seen({ name, ...facts }) {
      await db
        .insertInto('nodes')
        .values({ name, ...facts })
        .onConflict((conflict) => conflict.column('name').doUpdateSet({ name, ...facts }))
        .execute()
    },
    async drain(name, drain) {
      const { numUpdatedRows } = await db
        .updateTable('nodes')
        .set({
          state: null,
          drainAskedAtMs: drain?.askedAtMs ?? null,
          drainDeadlineMs: drain?.deadlineMs ?? null,
          drainMessage: drain?.message ?? null,
          drainAskedBy: drain?.askedBy ?? null,
        })
        .where('name', '=', name)
        .executeTakeFirst()
      return numUpdatedRows > 0n
    },
    async get(name) {
      const row = await selectNodes(db).where('nodes.name', '=', name).executeTakeFirst()
      return row && toNode(row)
    },
    async list() {
      const rows = await selectNodes(db).orderBy('nodes.name').execute()
      return rows.map(toNode)
    },
    async getDrain(name) {
      const row = await db
        .selectFrom('nodes')
        .selectAll()
        .where('name', '=', name)
        .executeTakeFirst()
      return row && toDrain(row)
    },
  }
}

/** A node that was forgotten as a verifier is out of the list; its drain waits for it here. */
function selectNodes(db: Kysely<Database>) {
  return db
    .selectFrom('nodes')
    .innerJoin('verifiers', (join) =>
      join.onRef('verifiers.name', '=', 'nodes.name').on('verifiers.role', '=', 'node'),
    )
    .selectAll('nodes')
    .select(['verifiers.trustVersion', 'verifiers.revocationVersion', 'verifiers.lastSeenMs'])
}

type VerifiedRow = Selectable<NodeRow> &
  Pick<GatewayNode, 'trustVersion' | 'revocationVersion' | 'lastSeenMs'>

function toNode(row: VerifiedRow): GatewayNode {
  const { drainAskedAtMs, drainDeadlineMs, drainMessage, drainAskedBy, ...facts } = row
  const drain = toDrain(row)
  return { ...present(facts), ...(drain === undefined ? {} : { drain }) }
}

function toDrain(row: Selectable<NodeRow>): GatewayNode['drain'] {
  const { drainAskedAtMs, drainDeadlineMs, drainMessage, drainAskedBy } = row
  if (drainAskedAtMs === null || drainDeadlineMs === null || drainAskedBy === null) return undefined
  return {
    askedAtMs: drainAskedAtMs,
    deadlineMs: drainDeadlineMs,
    askedBy: drainAskedBy,
    ...(drainMessage === null ? {} : { message: drainMessage }),
  }
}

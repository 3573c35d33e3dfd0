import type { Kysely } from 'kysely'
import { identifiedAs } from './identified.ts'
import { present } from './rows.ts'
import type { Database } from './schema.ts'
import type { HostProbes } from './store.ts'

export function createHostProbes(db: Kysely<Database>): HostProbes {
  return {
    async put(probe) {
      const { host, node, ...found } = probe
      await db
        .insertInto('hostProbes')
        .values(probe)
        .onConflict((conflict) => conflict.columns(['host', 'node']).doUpdateSet(found))
        .execute()
    },
    get: (host, node) =>
      db
        .selectFrom('hostProbes')
        .selectAll()
        .where('host', '=', host)
        .where('node', '=', node)
        .executeTakeFirst(),
    list: (sinceMs, hosts) =>
      db
        .selectFrom('hostProbes')
        .selectAll()
        .where('probedAtMs', '>=', sinceMs)
        .$if(hosts !== undefined, (query) => query.where('host', 'in', hosts ?? []))
        .orderBy('host')
        .orderBy('node')
        .execute(),
    async listTargets(id) {
      const rows = await db
        .selectFrom('hosts')
        .select(['id', 'kind', 'port', 'pin', 'consoleAllow'])
        .select(identifiedAs.as('address'))
        .select(({ selectFrom }) =>
          selectFrom('vms')
            .select(({ fn }) => fn.min('vms.guid').as('guid'))
            .whereRef('vms.host', '=', 'hosts.id')
            .as('guid'),
        )
        .$if(id === undefined, (query) => query.where('consoleAllow', '=', 1))
        .$if(id !== undefined, (query) => query.where('id', '=', id ?? ''))
        .orderBy('id')
        .execute()
      return rows.map(({ consoleAllow, ...target }) => present(target))
    },
    async deleteBefore(timeMs) {
      await db.deleteFrom('hostProbes').where('probedAtMs', '<', timeMs).execute()
    },
  }
}

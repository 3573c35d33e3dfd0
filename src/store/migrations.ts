import { type Kysely, sql } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import { BrokerError, errorText } from '../lib/index.ts'
import type { Database } from './schema.ts'

/**
 * Every change of the tables, in the order of names, in SQL that SQLite and PostgreSQL both read. A
 * published migration is never edited: its numbers are literals and not the constants of
 * `records.ts`, which may grow. Text is bounded here as well, so that no caller can forget to.
 */
const MIGRATIONS: Record<string, Migration> = {
  '0001-inventory': {
    async up(db) {
      await sql`create table tenants (
        id text not null primary key check (length(id) between 1 and 64),
        name text not null check (length(name) between 1 and 200),
        revision bigint not null,
        created_at_ms bigint not null,
        updated_at_ms bigint not null
      )`.execute(db)
      await sql`create table hosts (
        id text not null primary key check (length(id) between 1 and 64),
        kind text not null check (kind in ('rdp', 'hyperv', 'agent', 'vnc')),
        address text not null check (length(address) between 1 and 255),
        port integer not null check (port between 1 and 65535),
        identify text not null check (identify in ('fqdn', 'name', 'ipv4', 'ipv6')),
        console_allow smallint not null check (console_allow in (0, 1)),
        console_mode text check (console_mode in ('basic', 'enhanced')),
        revision bigint not null,
        created_at_ms bigint not null,
        updated_at_ms bigint not null
      )`.execute(db)
      await sql`create table vms (
        id text not null primary key check (length(id) between 1 and 64),
        name text not null check (length(name) between 1 and 200),
        tenant text not null references tenants (id),
        host text not null references hosts (id),
        guid text check (length(guid) = 36),
        address text check (length(address) between 1 and 255),
        port integer check (port between 1 and 65535),
        revision bigint not null,
        created_at_ms bigint not null,
        updated_at_ms bigint not null
      )`.execute(db)
      await sql`create index vms_by_tenant on vms (tenant, name)`.execute(db)
      await sql`create index vms_by_host on vms (host)`.execute(db)
    },
  },

  '0002-accounts': {
    async up(db) {
      await sql`create table users (
        id text not null primary key check (length(id) between 1 and 128),
        tenant text references tenants (id),
        password_hash text not null check (length(password_hash) <= 300),
        revision bigint not null,
        created_at_ms bigint not null,
        updated_at_ms bigint not null
      )`.execute(db)
      await sql`create index users_by_tenant on users (tenant)`.execute(db)
      await sql`create table api_keys (
        id text not null primary key check (length(id) between 1 and 64),
        label text not null check (length(label) <= 200),
        key_sha256 text not null unique check (length(key_sha256) = 64),
        created_at_ms bigint not null,
        revoked_at_ms bigint,
        revision bigint not null
      )`.execute(db)
      await sql`create table portal_sessions (
        token_sha256 text not null primary key check (length(token_sha256) = 64),
        "user" text not null references users (id) on delete cascade,
        created_at_ms bigint not null,
        last_seen_at_ms bigint not null,
        expires_at_ms bigint not null
      )`.execute(db)
      await sql`create index portal_sessions_by_user on portal_sessions ("user")`.execute(db)
      await sql`create index portal_sessions_by_end on portal_sessions (expires_at_ms)`.execute(db)
    },
  },

  // A grant outlives its VM, host and tenant, since support asks later: it names them, it does not
  // refer to them.
  '0003-grants': {
    async up(db) {
      await sql`create table grants (
        id text not null primary key check (length(id) between 1 and 64),
        ref text not null check (length(ref) = 9),
        jti text not null unique check (length(jti) between 1 and 64),
        vm text not null check (length(vm) <= 64),
        host text not null check (length(host) <= 64),
        tenant text not null check (length(tenant) <= 64),
        "user" text not null check (length("user") <= 128),
        destination text not null check (length(destination) <= 270),
        issuer_thumbprint text not null check (length(issuer_thumbprint) = 64),
        file_name text not null check (length(file_name) <= 200),
        client_address text check (length(client_address) <= 64),
        created_at_ms bigint not null,
        expires_at_ms bigint not null,
        revoked_at_ms bigint
      )`.execute(db)
      await sql`create index grants_by_ref on grants (ref, created_at_ms)`.execute(db)
      await sql`create index grants_by_end on grants (expires_at_ms)`.execute(db)
    },
  },

  // Names of machines, tenants and nodes are kept as text, as in grants: a session outlives them.
  '0004-redeems': {
    async up(db) {
      await sql`create table redeems (
        key text not null primary key check (length(key) between 1 and 256),
        jti text check (length(jti) <= 128),
        issuer_thumbprint text not null check (length(issuer_thumbprint) = 64),
        tenant text check (length(tenant) <= 128),
        "user" text check (length("user") <= 128),
        vm text check (length(vm) <= 128),
        host_kind text check (host_kind in ('rdp', 'hyperv', 'agent', 'vnc')),
        issued_at_ms bigint not null,
        expires_at_ms bigint not null,
        reconnect_ms bigint not null,
        client text not null check (length(client) <= 64),
        first_redeem_ms bigint not null,
        burned text check (length(burned) <= 32),
        superseded smallint not null check (superseded in (0, 1)),
        forget_at_ms bigint not null,
        revision bigint not null
      )`.execute(db)
      await sql`create index redeems_by_end on redeems (forget_at_ms)`.execute(db)
      await sql`create index redeems_by_window on redeems (vm) where reconnect_ms > 0`.execute(db)
      await sql`create table leases (
        id text not null unique check (length(id) between 1 and 64),
        key text not null references redeems (key) on delete cascade,
        node text not null check (length(node) between 1 and 128),
        tunnel text not null check (length(tunnel) between 1 and 64),
        client_address text not null check (length(client_address) <= 64),
        opened_at_ms bigint not null,
        seen_at_ms bigint not null,
        ended_at_ms bigint,
        end_reason text check (length(end_reason) <= 32),
        bytes_in bigint,
        bytes_out bigint,
        primary key (node, tunnel)
      )`.execute(db)
      await sql`create index leases_by_key on leases (key)`.execute(db)
      await sql`create index leases_open on leases (seen_at_ms) where ended_at_ms is null`.execute(
        db,
      )
    },
  },

  '0005-trust': {
    async up(db) {
      await sql`create table versions (
        name text not null primary key check (name in ('trust', 'revocations')),
        value bigint not null check (value >= 0)
      )`.execute(db)
      await sql`insert into versions (name, value) values ('trust', 0), ('revocations', 0)`.execute(
        db,
      )
      await sql`create table issuers (
        thumbprint text not null check (length(thumbprint) = 64),
        purpose text not null check (purpose in ('gateway', 'host')),
        certificate_pem text not null check (length(certificate_pem) <= 16384),
        "use" text not null check ("use" in ('primary', 'next', 'retiring', 'trusted')),
        broker text check (length(broker) <= 128),
        not_before_ms bigint,
        not_after_ms bigint,
        added_at_ms bigint not null,
        published_version bigint not null,
        certificate_file text check (length(certificate_file) <= 255),
        private_key_file text check (length(private_key_file) <= 255),
        primary key (thumbprint, purpose)
      )`.execute(db)
      await sql`create table revocations (
        id text not null primary key check (length(id) between 1 and 64),
        kind text not null check (kind in ('jti', 'vm', 'tenant', 'user', 'issuer', 'before')),
        value text not null check (length(value) <= 128),
        at_ms bigint not null,
        until_ms bigint not null,
        end_sessions smallint not null check (end_sessions in (0, 1)),
        note text check (length(note) <= 200),
        asked_by text not null check (length(asked_by) <= 200)
      )`.execute(db)
      await sql`create index revocations_by_end on revocations (until_ms)`.execute(db)
      await sql`create table verifiers (
        name text not null check (length(name) between 1 and 128),
        role text not null check (role in ('node', 'agent', 'external')),
        trust_version bigint not null,
        revocation_version bigint not null,
        last_seen_ms bigint not null,
        primary key (role, name)
      )`.execute(db)
    },
  },

  // What a policy says is checked by who writes it; a body of all settings is about 2,500 characters.
  '0006-policies': {
    async up(db) {
      await sql`create table policies (
        scope text not null primary key check (length(scope) between 1 and 80),
        tenant text unique references tenants (id) on delete cascade,
        vm text unique references vms (id) on delete cascade,
        body text not null check (length(body) <= 8192),
        revision bigint not null,
        created_at_ms bigint not null,
        updated_at_ms bigint not null
      )`.execute(db)
      await sql`create index redeems_by_vm on redeems (vm)`.execute(db)
    },
  },

  '0007-nodes': {
    async up(db) {
      await sql`create table nodes (
        name text not null primary key check (length(name) between 1 and 128),
        address text check (length(address) <= 64),
        software text check (length(software) <= 256),
        certificate_not_after_ms bigint,
        state text check (state in ('ready', 'degraded', 'draining')),
        reason text check (length(reason) <= 32),
        tunnels integer check (tunnels >= 0),
        clock_offset_ms bigint,
        left_at_ms bigint,
        drain_asked_at_ms bigint,
        drain_deadline_ms bigint,
        drain_message text check (length(drain_message) <= 500),
        drain_asked_by text check (length(drain_asked_by) <= 200)
      )`.execute(db)
    },
  },

  '0008-session-usage': {
    async up(db) {
      await sql`alter table redeems add column host text check (length(host) <= 300)`.execute(db)
      await sql`alter table leases add column transport text check (length(transport) <= 32)`.execute(
        db,
      )
      await sql`alter table leases add column takes_messages smallint
        check (takes_messages in (0, 1))`.execute(db)
      await sql`alter table leases add column idle_seconds bigint`.execute(db)
    },
  },

  '0009-disabled-users': {
    async up(db) {
      await sql`alter table users add column disabled smallint not null default 0
        check (disabled in (0, 1))`.execute(db)
    },
  },

  // What a node found is JSON, and below 4,000 characters.
  '0010-host-probes': {
    async up(db) {
      await sql`alter table hosts add column pin text check (length(pin) = 64)`.execute(db)
      await sql`create table host_probes (
        host text not null references hosts (id) on delete cascade,
        node text not null check (length(node) between 1 and 128),
        state text not null check (length(state) <= 32),
        since_ms bigint not null,
        probed_at_ms bigint not null,
        body text not null check (length(body) <= 8192),
        primary key (host, node)
      )`.execute(db)
    },
  },

  // Its lines outlive what they are about, and strangers cause some: they refer to nothing.
  '0011-timeline': {
    async up(db) {
      await sql`create table timeline (
        id text not null primary key check (length(id) between 1 and 64),
        subject text not null check (length(subject) between 1 and 200),
        ref text check (length(ref) = 9),
        at_ms bigint not null,
        event text not null check (length(event) <= 64),
        verified smallint not null check (verified in (0, 1)),
        body text not null check (length(body) <= 8192)
      )`.execute(db)
      await sql`create index timeline_by_subject on timeline (subject, verified)`.execute(db)
      await sql`create index timeline_by_ref on timeline (ref) where ref is not null`.execute(db)
      await sql`create index timeline_by_time on timeline (at_ms)`.execute(db)
      await sql`create index timeline_of_strangers on timeline (id) where verified = 0`.execute(db)
    },
  },

  '0012-host-names': {
    async up(db) {
      for (const column of ['name_fqdn', 'name_name', 'name_ipv4', 'name_ipv6']) {
        await sql`alter table hosts add column ${sql.ref(column)} text
          check (length(${sql.ref(column)}) between 1 and 255)`.execute(db)
      }
    },
  },

  '0013-audit': {
    async up(db) {
      await sql`create table audit (
        broker text not null check (length(broker) between 1 and 128),
        seq bigint not null check (seq > 0),
        prev text not null check (length(prev) = 64),
        hash text not null check (length(hash) = 64),
        at_ms bigint not null,
        actor text not null check (length(actor) <= 200),
        action text not null check (length(action) <= 64),
        subject text not null check (length(subject) <= 400),
        outcome text not null check (length(outcome) <= 64),
        ref text check (length(ref) <= 9),
        details text check (length(details) <= 8192),
        primary key (broker, seq)
      )`.execute(db)
      await sql`create index audit_by_time on audit (at_ms)`.execute(db)
      await sql`create index audit_by_ref on audit (ref) where ref is not null`.execute(db)
      await sql`create table audit_checkpoints (
        broker text not null check (length(broker) between 1 and 128),
        seq bigint not null check (seq > 0),
        hash text not null check (length(hash) = 64),
        at_ms bigint not null,
        text text not null check (length(text) <= 2000),
        primary key (broker, seq)
      )`.execute(db)
    },
  },

  // Keys from before there were roles could do everything, and still can.
  '0014-key-roles': {
    async up(db) {
      await sql`alter table api_keys add column roles text not null default ''
        check (length(roles) <= 200)`.execute(db)
      await sql`update api_keys set roles = 'support operator trust-admin'`.execute(db)
      await sql`alter table api_keys add column expires_at_ms bigint`.execute(db)
      await sql`alter table api_keys add column last_used_at_ms bigint`.execute(db)
      await sql`create table api_key_tenants (
        key text not null references api_keys (id) on delete cascade,
        tenant text not null references tenants (id) on delete cascade,
        primary key (key, tenant)
      )`.execute(db)
      await sql`create index api_key_tenants_by_tenant on api_key_tenants (tenant)`.execute(db)
    },
  },

  '0015-grants-by-user': {
    async up(db) {
      await sql`create index grants_by_user on grants (tenant, "user", expires_at_ms)`.execute(db)
    },
  },

  '0016-user-roles': {
    async up(db) {
      await sql`alter table users add column roles text not null default ''
        check (length(roles) <= 200)`.execute(db)
    },
  },

  '0017-host-nla': {
    async up(db) {
      await sql`alter table hosts add column nla text check (nla in ('on', 'off'))`.execute(db)
    },
  },
}

/**
 * Brings the tables up to date; all of it or nothing. Where they are already, nothing is written, and so no
 * other process's writing waited for.
 *
 * @throws BrokerError `ERR_STORE`, also when the database is newer than this program
 */
export async function migrate(db: Kysely<Database>): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => MIGRATIONS } })
  if (await isCurrent(db, migrator)) return
  const { error, results } = await migrator.migrateToLatest()
  if (error === undefined) return
  const failed = results?.find(({ status }) => status === 'Error')?.migrationName
  throw new BrokerError('ERR_STORE', `store migration ${failed ?? 'list'}: ${errorText(error)}`, {
    cause: error,
  })
}

async function isCurrent(db: Kysely<Database>, migrator: Migrator): Promise<boolean> {
  const known = await migrator.getMigrations()
  if (known.some(({ executedAt }) => executedAt === undefined)) return false
  const done = db.withTables<{ kyselyMigration: { name: string } }>().selectFrom('kyselyMigration')
  return (await done.select('name').execute()).length === known.length
}

import { readFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createAudit } from '../../src/broker/audit/audit.ts'
import { readCertificate } from '../../src/certs/index.ts'
import { register } from '../../src/cli/audit.ts'
import { register as registerTenant } from '../../src/cli/tenant.ts'
import { register as registerUser } from '../../src/cli/user.ts'
import { createLog, systemClock } from '../../src/lib/index.ts'
import { openSqliteStore } from '../../src/store/index.ts'
import { createIssuer } from '../../src/tokens/index.ts'
import { writeFiles } from './run-command.ts'
import { useBroker } from './use-broker.ts'

// The broker does nothing by itself meanwhile: in one process with it, nobody can wait until it has written.
beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }))
afterEach(() => void vi.useRealTimers())

const broker = useBroker({ each: true })

beforeEach(async () => {
  for (const id of ['a', 'b', 'c', 'd', 'e']) await addTenant(id)
})

async function addTenant(id: string): Promise<void> {
  const { exitCode } = await broker.run(registerTenant, ['tenant', 'add', id, '--name', id])
  expect(exitCode).toBe(0)
}

async function audit(...args: string[]) {
  const { stdout, ...rest } = await broker.run(register, ['audit', ...args])
  return { lines: stdout.trimEnd().split('\n'), ...rest }
}

/** What the broker does every minute; the line of its log comes out. */
async function sign(pair = broker.files.config.issuer): Promise<string> {
  const store = await openSqliteStore(broker.files.config.store)
  const issuer = await createIssuer({
    certificatePem: readFileSync(pair.certificateFile, 'utf8'),
    privateKeyPem: readFileSync(pair.privateKeyFile, 'utf8'),
  })
  let line = ''
  const log = createLog({
    stream: {
      write: (text: string) => {
        line += text
      },
    },
  })
  const { name: brokerName } = broker.files.config
  const signer = { current: issuer }
  await createAudit({ store, brokerName, signer, clock: systemClock, log }).checkpoint()
  await store.close()
  return line
}

/** As somebody would who has the file of the store. */
function tamper(sql: string): void {
  const database = new DatabaseSync(broker.files.config.store.file)
  database.exec(sql)
  database.close()
}

test('lists the newest records, the last one at the end', async () => {
  const { lines, exitCode } = await audit('list', '--limit', '2')
  expect(exitCode).toBe(0)
  expect(lines[0]).toMatch(/^TIME +RECORD +WHO +ACTION +ON +OUTCOME +REFERENCE +ASKED FOR$/)
  expect(lines[1]).toMatch(/ 4 +key:test +putTenant +\/v1\/tenants\/d +done +- +name: d$/)
  expect(lines[2]).toMatch(/ 5 +key:test +putTenant +\/v1\/tenants\/e +done +- +name: e$/)
  expect((await audit('list', '--actor', 'key:other')).lines).toHaveLength(1)
  expect((await audit('list', '--limit', '0')).exitCode).not.toBe(0)
})

test('shows what was asked for without its secrets, and finds a reference however it is spelled', async () => {
  const { password } = writeFiles({ password: 'correct pony\n' })
  const add = ['user', 'add', 'eve', '--role', 'viewer', '--password-file', password]
  await broker.run(registerUser, add)
  await broker.run(registerUser, add)
  const { lines } = await audit('list', '--action', 'putUser')
  expect(lines[1]).toMatch(/ done +- +roles: \["viewer"\], password: \[secret\]/)
  const ref = /[0-9A-Z]{4}-[0-9A-Z]{4}/.exec(lines[2] ?? '')?.[0] ?? ''
  const found = await audit('list', '--ref', ref.replace('-', '').toLowerCase())
  expect(found.lines).toHaveLength(2)
  expect(found.lines[1]).toContain(ref)
})

test('an audit that nobody has touched is whole, with and without checkpoints', async () => {
  expect((await audit('verify')).lines).toEqual(['broker: records 1 to 5: whole; signed up to 0'])
  const { file } = writeFiles({ file: await sign() })
  await addTenant('f')
  const { lines, exitCode } = await audit('verify', '--checkpoint', file)
  expect(lines).toEqual(['broker: records 1 to 6: whole; signed up to 5'])
  expect(exitCode).toBe(0)
})

test.each([
  ['changed', "update audit set actor = 'key:other' where seq = 3", 'record 3: was changed'],
  ['taken out', 'delete from audit where seq = 3', 'records 3 to 3: are missing'],
  [
    'reordered',
    'update audit set seq = 30 where seq = 3; update audit set seq = 3 where seq = 4; update audit set seq = 4 where seq = 30',
    'record 3: was changed',
  ],
  ['cut off', 'delete from audit where seq > 3', 'records 4 to 5: the tail is cut'],
])('records that were %s are found', async (_, sql, finding) => {
  await sign()
  tamper(sql)
  const { lines, stderr, exitCode } = await audit('verify')
  expect(exitCode).toBe(1)
  expect(lines[0]).toContain('NOT WHOLE')
  expect(stderr).toContain(`portcullis: broker: ${finding}`)
})

test('a beginning that retention cannot have taken yet is found missing', async () => {
  await sign()
  await addTenant('f')
  tamper('delete from audit where seq <= 5')
  const { lines, stderr, exitCode } = await audit('verify')
  expect(exitCode).toBe(1)
  expect(lines[0]).toContain('records 6 to 6: NOT WHOLE')
  expect(stderr).toMatch(
    /^portcullis: broker: records 1 to 5: are gone before their time, record 5 /,
  )
  expect((await audit('verify', '--keep-days', '1')).exitCode).toBe(0)
  expect((await audit('verify', '--keep-days', '0')).exitCode).not.toBe(0)
})

test('a tail that was cut with its checkpoints is found by one that was kept elsewhere', async () => {
  const { kept } = writeFiles({ kept: await sign() })
  tamper('delete from audit where seq > 3; delete from audit_checkpoints')
  expect((await audit('verify')).exitCode).toBe(0)
  const { stderr, exitCode } = await audit('verify', '--checkpoint', kept)
  expect(exitCode).toBe(1)
  expect(stderr).toContain('records 4 to 5: the tail is cut')
})

test('a whole log is as good as its lines, but a damaged one of those is found', async () => {
  const line = await sign()
  const others = '{"level":"info","event":"broker.listening"}\nnode: a word of the system\n'
  const { log, damaged } = writeFiles({
    log: `${others}${line}${others}`,
    damaged: `${line}${line.slice(0, -20)}\n`,
  })
  const found = await audit('verify', '--checkpoint', log)
  expect(found).toMatchObject({ exitCode: 0, stderr: '' })
  expect(found.lines).toEqual(['broker: records 1 to 5: whole; signed up to 5'])
  const { stderr, exitCode } = await audit('verify', '--checkpoint', damaged)
  expect(exitCode).toBe(1)
  expect(stderr).toContain(`portcullis: checkpoint in line 2 of ${damaged}: `)
})

test.each([
  ['empty', ''],
  ['of other lines', '{"level":"info","event":"broker.listening"}\n'],
  ['of something else', '# Read me\n'],
])('a file that is %s proves nothing', async (_, content) => {
  const { file } = writeFiles({ file: content })
  expect(await audit('verify', '--checkpoint', file)).toMatchObject({
    ...{ lines: [''], exitCode: 2 },
    stderr: `portcullis: --checkpoint ${file}: no checkpoint in it\n`,
  })
})

test('a checkpoint of somebody else is found, and certificates may come from a file', async () => {
  await sign()
  const { certificateFile } = broker.files.config.issuer
  expect((await audit('verify', '--issuer', certificateFile)).exitCode).toBe(0)
  const { stderr, exitCode } = await audit('verify', '--issuer', broker.files.caFile)
  expect(exitCode).toBe(1)
  const { sha256Thumbprint } = readCertificate(readFileSync(certificateFile, 'utf8'))
  expect(stderr).toContain(`signed by ${sha256Thumbprint}, whose certificate is not here`)
})

test('with --json what was found is a value', async () => {
  await sign()
  tamper("update audit set outcome = 'other' where seq = 2")
  const { lines, exitCode } = await audit('verify', '--json')
  expect(exitCode).toBe(1)
  expect(JSON.parse(lines.join('\n'))).toEqual({
    ok: false,
    findings: [],
    brokers: [
      { broker: 'broker', first: 1, last: 5, signed: 5, findings: ['record 2: was changed'] },
    ],
  })
})

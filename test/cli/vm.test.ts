import { beforeAll, expect, test } from 'vitest'
import { register as registerHost } from '../../src/cli/host.ts'
import { register } from '../../src/cli/vm.ts'
import { DB_UUID, domainXml, WEB_UUID } from './libvirt-xml.ts'
import { writeFiles } from './run-command.ts'
import { useBroker } from './use-broker.ts'

const broker = useBroker()
const vm = (...args: string[]) => broker.run(register, ['vm', ...args])

beforeAll(async () => {
  const kvm1 = ['kvm1', '--kind', 'agent', '--address', 'kvm1.example']
  await broker.run(registerHost, ['host', 'add', ...kvm1])
})

const rows = (table: string) => table.split('\n').map((line) => line.split(/ {2,}/))

test('adds machines, never in the place of another, and says when the console is off', async () => {
  const like = ['--name', 'DB', '--tenant', 'acme']
  expect(await vm('add', 'db', ...like, '--host', 'hv1', '--port', '3390')).toEqual({
    stdout: '',
    stderr: 'portcullis: vm db is there\n',
    exitCode: 0,
  })
  expect((await vm('add', 'db', ...like, '--host', 'hv1')).stderr).toContain('id already')
  const nowhere = await vm('add', 'x', '--name', 'X', '--tenant', 'nobody', '--host', 'nowhere')
  expect(nowhere.stderr).toMatch(
    /validation-failed: tenant: there is no such tenant: nobody\. host: there is no such host: nowhere\. \(reference \S+\)\n$/,
  )
  const missing = await vm('add', 'app', ...like, '--host', 'kvm1')
  expect(missing).toMatchObject({ exitCode: 1 })
  expect(missing.stderr).toContain('guid: needed on a host of kind agent')
  const added = await vm('add', 'app', ...like, '--host', 'kvm1', '--guid', DB_UUID.toUpperCase())
  expect(added.stderr).toContain('portcullis: its console is off, by host:kvm1\n')
  const listed = rows((await vm('list', '--tenant', 'acme')).stdout)
  expect(listed).toContainEqual(['db', 'DB', 'acme', 'hv1', '-', '-', '3390', 'on', 'host:hv1'])
  expect(listed).toContainEqual([
    ...['app', 'DB', 'acme', 'kvm1', DB_UUID, '-', '-', 'off', 'host:kvm1'],
  ])
  const { stdout } = await vm('list', '--host', 'kvm1', '--json')
  expect(JSON.parse(stdout).items).toMatchObject([{ id: 'app' }])
})

test('imports a whole inventory from JSON, and a second time changes nothing', async () => {
  const { file } = writeFiles({
    file: JSON.stringify({
      tenants: [{ id: 'globex', name: 'Globex' }],
      hosts: [{ id: 'hv7', kind: 'rdp', address: '192.0.2.70' }],
      vms: [{ id: 'mail', name: 'Mail', tenant: 'globex', host: 'hv7' }],
    }),
  })
  const first = await vm('import', file)
  expect(first.stdout.split('\n').map((line) => line.slice(0, 12))).toEqual([
    ...['+ tenant glo', '+ host hv7: ', '+ vm mail: n', ''],
  ])
  const again = await vm('import', file, '--json')
  expect(JSON.parse(again.stdout)).toEqual({
    dryRun: false,
    created: 0,
    changed: 0,
    unchanged: 3,
    items: [],
  })
})

test('a broken row is named, and the good ones before it are not imported either', async () => {
  const { file } = writeFiles({ file: 'id,name,tenant,host\na,A,acme,hv1\nb,B,nobody,nowhere\n' })
  const { stdout, stderr, exitCode } = await vm('import', file)
  expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 1 })
  expect(stderr.split('\n').slice(0, 2)).toEqual([
    'vms row 2 (line 3), tenant: there is no such tenant: nobody',
    'vms row 2 (line 3), host: there is no such host: nowhere',
  ])
  expect(rows((await vm('list')).stdout).map(([id]) => id)).not.toContain('a')
})

test('imports from libvirt; who owns a machine and what it is called here stays', async () => {
  const { directory } = writeFiles({
    'web.xml': domainXml({ name: 'web-kvm', uuid: WEB_UUID }),
    'app.xml': domainXml({ name: 'app-kvm', uuid: DB_UUID, title: 'App' }),
  })
  const from = ['import', '--libvirt', directory, '--host', 'kvm1']
  const refused = await vm(...from)
  expect(refused).toMatchObject({ exitCode: 1 })
  expect(refused.stderr).toBe('portcullis: web-kvm: a new machine, need --tenant\n')
  const first = await vm(...from, '--tenant', 'globex')
  expect(first.exitCode, first.stderr).toBe(0)
  expect(first.stdout).toBe(
    [
      '~ vm app: name DB -> App',
      `+ vm ${WEB_UUID}: name web-kvm, tenant globex, host kvm1, guid ${WEB_UUID}`,
      '',
    ].join('\n'),
  )
  const again = await vm(...from)
  expect(again).toMatchObject({ stdout: '', exitCode: 0 })
  expect(again.stderr).toBe('portcullis: 0 created, 0 changed, 2 unchanged\n')
  const only = await vm(...from, '--only', 'web-kvm', '--only', 'none')
  expect(only.stderr).toBe('portcullis: --only none: not found\n')
})

test.each([
  [['import'], 'need either a file or --libvirt'],
  [['import', 'x.csv', '--libvirt'], 'need either a file or --libvirt'],
  [['import', 'x.csv', '--tenant', 'acme'], '--tenant: only with --libvirt'],
  [['import', '--libvirt', '/nowhere'], '--host: needed with --libvirt'],
  [['import', '/nowhere'], 'file /nowhere: there is no such file or directory'],
])('%j is 2: %s', async (args, message) => {
  expect(await vm(...args)).toMatchObject({ stderr: `portcullis: ${message}\n`, exitCode: 2 })
})

test('shows one machine and removes it, and then its host', async () => {
  await broker.run(registerHost, ['host', 'add', 'hv8', '--kind', 'rdp', '--address', '192.0.2.8'])
  await vm('add', 'wiki', '--name', 'Wiki', '--tenant', 'acme', '--host', 'hv8', '--port', '3390')
  expect((await vm('get', 'wiki')).stdout).toBe(
    [
      ...['Name     Wiki', 'Tenant   acme', 'Host     hv8', 'Port     3390'],
      ...['Console  off, by host:hv8', ''],
    ].join('\n'),
  )
  expect(JSON.parse((await vm('get', 'wiki', '--json')).stdout)).toMatchObject({ id: 'wiki' })
  expect((await vm('get', 'wikis')).exitCode).toBe(1)

  const host = (...args: string[]) => broker.run(registerHost, ['host', ...args])
  expect((await host('remove', 'hv8')).stderr).toContain('; see vm list --host hv8\n')
  expect((await vm('remove', 'wiki')).stderr).toBe('portcullis: vm wiki is gone\n')
  expect((await host('remove', 'hv8')).stderr).toBe('portcullis: host hv8 is gone\n')
  expect((await vm('get', 'wiki')).exitCode).toBe(1)
})

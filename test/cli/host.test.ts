import { expect, test } from 'vitest'
import { register } from '../../src/cli/host.ts'
import { register as registerPolicy } from '../../src/cli/policy.ts'
import { writeFiles } from './run-command.ts'
import { useBroker } from './use-broker.ts'

const broker = useBroker()
const host = (...args: string[]) => broker.run(register, ['host', ...args])

const rows = (table: string) => table.split('\n').map((line) => line.split(/ {2,}/))

test('a new host is off until it is enabled, and the list says by what', async () => {
  const added = await host('add', 'hv2', '--kind', 'hyperv', '--address', '2001:db8::1')
  expect(added).toEqual({
    stdout: '',
    stderr: [
      'portcullis: host hv2 is there, at [2001:db8::1]:2179',
      'portcullis: its consoles are off; switch them on with: host enable hv2\n',
    ].join('\n'),
    exitCode: 0,
  })
  expect(rows((await host('list')).stdout)).toContainEqual([
    ...['hv2', 'hyperv', '[2001:db8::1]:2179', 'off', 'host:hv2'],
    ...['not-opted-in', 'host-not-opted-in'],
  ])
  expect((await host('enable', 'hv2')).stderr).toBe(
    'portcullis: host hv2 is opted in\nportcullis: its consoles are on, by host:hv2\n',
  )
  expect(rows((await host('list')).stdout)).toContainEqual([
    ...['hv2', 'hyperv', '[2001:db8::1]:2179', 'on', 'host:hv2', 'unknown', '-'],
  ])
})

test('a host without network level authentication is shown as that', async () => {
  const added = await host('add', 'xrdp', '--kind', 'rdp', '--address', '192.0.2.7', '--nla', 'off')
  expect(added.exitCode).toBe(0)
  expect(rows((await host('get', 'xrdp')).stdout)).toContainEqual(['NLA', 'off'])
  const { good } = writeFiles({ good: 'id,kind,address,nla\nxrdp,rdp,192.0.2.7,on\n' })
  expect((await host('import', good)).stdout).toContain('nla off -> on')
})

test('never takes the place of a host that is there', async () => {
  const { stderr, exitCode } = await host('add', 'hv1', '--kind', 'rdp', '--address', '192.0.2.9')
  expect(exitCode).toBe(1)
  expect(stderr).toMatch(/^portcullis: conflict: There is a host with this id already/)
  expect(JSON.parse((await host('get', 'hv1', '--json')).stdout)).toMatchObject({
    address: '192.0.2.10',
  })
})

test('says what disabling did, and what enabling does not', async () => {
  expect((await host('disable', 'hv1')).stderr).toBe(
    [
      'portcullis: host hv1 is opted out: no console of it opens any more',
      'portcullis: its consoles are off, by host:hv1',
      'portcullis: open sessions that go on: 0\n',
    ].join('\n'),
  )
  const killed = await host('disable', 'hv1', '--kill')
  expect(killed.stderr).toContain('portcullis: sessions ended: 0\n')
  const { stdout } = await host('disable', 'hv1', '--json')
  expect(JSON.parse(stdout)).toEqual({
    host: 'hv1',
    allow: false,
    openSessions: 0,
    endedSessions: 0,
    effectiveConsole: { allow: false, source: 'host:hv1' },
  })
  const shown = await host('get', 'hv1')
  expect(rows(shown.stdout)).toContainEqual(['Consoles', 'off, by host:hv1'])
  await broker.run(registerPolicy, ['policy', 'set', '--enforce', 'allowConsole=false'])
  expect((await host('enable', 'hv1')).stderr).toBe(
    'portcullis: host hv1 is opted in\nportcullis: its consoles stay off, by provider\n',
  )
  expect(rows((await host('get', 'hv1')).stdout)).toContainEqual(['Consoles', 'off, by provider'])
  await broker.run(registerPolicy, ['policy', 'set', '--unset', 'allowConsole'])
  expect(await host('disable', 'none')).toMatchObject({ exitCode: 1 })
})

test('imports hosts from CSV, and names what a broken file has wrong by row, line and field', async () => {
  const { good, bad } = writeFiles({
    good: 'id,kind,address\nkvm1,agent,kvm1.example.net\nhv1,rdp,192.0.2.10\n',
    bad: 'id,kind,address,port\n\nkvm2,agent,kvm2.example.net,\nkvm3,agent,kvm3.example.net,x\nkvm4,xen,a b,\n',
  })
  const dry = await host('import', good, '--dry-run')
  expect(dry).toEqual({
    stdout:
      '+ host kvm1: kind agent, address kvm1.example.net, port 2179, identify fqdn, console.allow false\n',
    stderr: 'portcullis: 1 created, 0 changed, 1 unchanged (dry run: nothing has been)\n',
    exitCode: 0,
  })
  expect((await host('get', 'kvm1')).exitCode).toBe(1)
  const done = await host('import', good)
  expect(done).toMatchObject({ stdout: dry.stdout, exitCode: 0 })
  const again = await host('import', good)
  expect(again).toMatchObject({ stdout: '', exitCode: 0 })
  expect(again.stderr).toBe('portcullis: 0 created, 0 changed, 2 unchanged\n')

  const refused = await host('import', bad)
  expect(refused).toMatchObject({ stdout: '', exitCode: 1 })
  const [port, kind, address, last] = refused.stderr.split('\n')
  expect(port).toMatch(/^hosts row 2 \(line 4\), port: /)
  expect(kind).toMatch(/^hosts row 3 \(line 5\), kind: /)
  expect(address).toMatch(/^hosts row 3 \(line 5\), address: need a DNS name/)
  expect(last).toMatch(/^portcullis: broken rows, nothing is imported \(reference /)
  expect((await host('get', 'kvm2')).exitCode).toBe(1)
})

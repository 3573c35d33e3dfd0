import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Secret } from '../../src/lib/index.ts'
import {
  decodeClose,
  decodeTunnelResponse,
  encodeData,
  PacketType,
  Status,
} from '../../src/protocol/index.ts'
import { FIRST_BYTES } from '../gateway/support/conversation.ts'
import { eventually } from '../helpers/eventually.ts'
import { type FarmRun, startFarm } from '../helpers/farm.ts'
import { openWebSocket, requests, type TestClient } from '../helpers/packet-client.ts'
import { testWithPrograms } from '../helpers/programs.ts'

/** An inventory built with the command line alone, on a broker that runs; consoles opened on it through a node that runs. */
let farm: FarmRun
let directory: string
const clients: TestClient[] = []

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'portcullis-inventory-'))
  farm = await startFarm(['gw1'])
})
afterAll(async () => {
  for (const { connections } of clients) for (const connection of connections) connection.reset()
  await farm?.stop()
  rmSync(directory, { recursive: true })
})

function file(name: string, lines: string[]): string {
  const path = join(directory, name)
  writeFileSync(path, `${lines.join('\n')}\n`)
  return path
}

/** A command that goes well; gives what it has said. */
async function done(...args: string[]): Promise<string> {
  const { code, output } = await farm.cli(...args)
  expect(code, output).toBe(0)
  return output
}

async function refused(...args: string[]): Promise<string> {
  const { code, output } = await farm.cli(...args)
  expect(code, output).toBe(1)
  return output
}

async function mint(vm: string): Promise<Secret> {
  const { status, body } = await farm.api('POST', '/v1/consoles', { vm })
  expect(status, body.toString('utf8')).toBe(201)
  return new Secret(JSON.parse(body.toString('utf8')).gatewayToken)
}

/** The tunnel that a token is given, and the client that has asked for it. */
async function present(token: Secret) {
  const client = await openWebSocket(farm.nodes[0]?.port ?? 0, farm.ca)
  clients.push(client)
  client.send(requests.handshake())
  await client.receive()
  client.send(requests.tunnel(token))
  const packet = await client.receive()
  expect(packet?.type).toBe(PacketType.tunnelResponse)
  const { statusCode } = decodeTunnelResponse(packet?.body ?? new Uint8Array())
  return { client, statusCode }
}

async function openChannel({ client }: Awaited<ReturnType<typeof present>>): Promise<void> {
  client.send(requests.authorization())
  expect((await client.receive())?.type).toBe(PacketType.tunnelAuthResponse)
  client.send(requests.channel(farm.target.port, farm.target.host))
  expect((await client.receive())?.type).toBe(PacketType.channelResponse)
  // Without them the node ends it after a while.
  client.send(encodeData(FIRST_BYTES))
}

test('an inventory is imported, opened, closed again and ended', async () => {
  const { host, port } = farm.target
  const hosts = file('hosts.csv', ['id,kind,address,port', `hv2,rdp,${host},${port}`])
  const vms = file('vms.csv', ['id,name,tenant,host', 'app,"App, 1",globex,hv2'])
  await done('tenant', 'add', 'globex', '--name', 'Globex')
  expect(await refused('vm', 'import', vms)).toContain(
    'vms row 1 (line 2), host: there is no such host',
  )
  await done('host', 'import', hosts)
  expect(await done('vm', 'import', vms, '--dry-run')).toContain('+ vm app: name App, 1')
  expect((await farm.api('GET', '/v1/vms/app')).status).toBe(404)
  await done('vm', 'import', vms)
  expect(await done('vm', 'import', vms)).toContain('0 created, 0 changed, 1 unchanged')

  // Nothing is opted in until somebody says so.
  expect(await done('host', 'get', 'hv2')).toContain('off, by host:hv2')
  const closed = await farm.api('POST', '/v1/consoles', { vm: 'app' })
  expect(closed.status).toBe(409)
  await done('host', 'enable', 'hv2')
  const session = await present(await mint('app'))
  expect(session.statusCode).toBe(Status.ok)
  await openChannel(session)

  // A file that is out when the host is switched off opens nothing; who is in goes on.
  const out = await mint('app')
  expect(await done('host', 'disable', 'hv2')).toContain('open sessions that go on: 1')
  expect((await present(out)).statusCode).toBe(0x8007_59da)
  const listed = JSON.parse(await done('session', 'list', '--host', 'hv2', '--json'))
  expect(listed.items).toMatchObject([{ vm: 'app', tenant: 'globex' }])
  // Machines of other hosts are not touched by it.
  const other = await present(await farm.mint())
  expect(other.statusCode).toBe(Status.ok)

  expect(await done('host', 'disable', 'hv2', '--kill')).toContain('sessions ended: 1')
  const closing = await session.client.receive()
  expect(closing?.type).toBe(PacketType.closeChannel)
  expect(decodeClose(closing?.body ?? new Uint8Array())).toBe(0x8007_04d4)
  await eventually('the end of that session alone', async () => {
    const { body } = await farm.api('GET', '/v1/sessions')
    const { items } = JSON.parse(body.toString('utf8'))
    return items.length === 1 && items[0].vm === 'web'
  })
})

/** libvirt's own test driver: a host made of files, behind the real virsh. */
testWithPrograms(['virsh'], 'machines are imported from what virsh says', async () => {
  const domain = (name: string, uuid: string, graphics: string) =>
    file(`${name}.xml`, [
      `<domain type='test'><name>${name}</name><uuid>${uuid}</uuid><title>R&amp;D ${name}</title>`,
      `<memory>65536</memory><os><type>hvm</type></os><devices>${graphics}</devices></domain>`,
    ])
  const ids = ['3f2504e0-4f89-11d3-9a0c-0305e82c3301', '3f2504e0-4f89-11d3-9a0c-0305e82c3302']
  const rdp = domain('lamp', ids[0] ?? '', "<graphics type='rdp' port='3390' autoport='no'/>")
  const vnc = domain('cron', ids[1] ?? '', "<graphics type='vnc' port='5907' passwd='secret'/>")
  const node = file('node.xml', [
    `<node><domain file='${rdp}'/><domain file='${vnc}'/>`,
    '<cpu><mhz>1000</mhz><model>i686</model><active>1</active><nodes>1</nodes><sockets>1</sockets>',
    '<cores>1</cores><threads>1</threads></cpu><memory>8192000</memory></node>',
  ])
  await done('host', 'add', 'kvm1', '--kind', 'rdp', '--address', 'kvm1.example.net')
  const from = ['vm', 'import', '--libvirt', '--connect', `test://${node}`, '--host', 'kvm1']
  const said = await done(...from, '--tenant', 'acme', '--ids', 'name')
  expect(said).toContain('portcullis: cron: left out, has no rdp console')
  expect(said).toContain(
    `+ vm lamp: name R&D lamp, tenant acme, host kvm1, guid ${ids[0]}, port 3390`,
  )
  expect(await done(...from)).toContain('0 created, 0 changed, 1 unchanged')
})

test('users are kept with the command line, over a restart of the broker', async () => {
  const password = file('password', ['correct pony'])
  await done('user', 'add', 'ann@acme.example', '--tenant', 'acme', '--password-file', password)
  await done('user', 'disable', 'ann@acme.example')
  await farm.broker.kill()
  await farm.broker.start()
  expect(await done('user', 'list')).toMatch(/^ann@acme\.example +acme +- +no$/m)
  await done('user', 'enable', 'ann@acme.example')
  expect(await done('user', 'passwd', 'ann@acme.example', '--password-file', password)).toContain(
    'has a new password',
  )
  expect(await refused('user', 'passwd', 'nobody', '--password-file', password)).toContain(
    'not-found',
  )
})

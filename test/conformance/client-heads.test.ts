import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { renderHead } from '../../src/protocol/index.ts'
import { startNode, type TestNode } from '../gateway/support/test-node.ts'
import { RawTls } from '../helpers/raw-tls.ts'
import { type ScriptedTarget, startTarget } from '../helpers/scripted-target.ts'
import { CHANNEL_RESPONSE, channelCreate, reach, X224_REQUEST } from './client.ts'
import { data } from './console.ts'
import { guid, httpWire, openWebSocket, WEBSOCKET_KEY, type Wire } from './wire.ts'

// Line 84 asks for Microsoft's own clients, and there were none to test with. What is known of their requests, from
// the specification and from gateways that serve them, differs from FreeRDP's in the ways below: each has to get
// through to the host all the same. Idle time, standby and their dialogs wait for somebody who has the clients.

let node: TestNode
let target: ScriptedTarget

beforeAll(async () => {
  node = await startNode()
})
beforeEach(async () => {
  target = await startTarget()
})
afterEach(() => target.close())
afterAll(() => node.gateway.close())

interface Form {
  name: string
  path?: string
  fields?: readonly (readonly [name: string, value: string])[]
  /** Of `Connection` in an upgrade. */
  upgrade?: string
}

const FORMS: readonly Form[] = [
  { name: 'no word about PAA' },
  { name: 'PAA as Authorization', fields: [['Authorization', 'PAA']] },
  { name: 'PAA in the query', path: '/remoteDesktopGateway/?AuthS=PAA&ClGen=mstsc&ClBld=10.0' },
  { name: 'the path in another spelling', path: '/RemoteDesktopGateway' },
  {
    name: 'ids and agents that nobody needs',
    fields: [
      ['RDG-Correlation-Id', guid()],
      ['RDG-User-Id', 'YQBsAGkAYwBlAA=='],
      ['User-Agent', 'MS-RDGateway/1.0'],
      ['Pragma', 'no-cache'],
      ['Accept', '*/*'],
    ],
  },
]

const UPGRADES: readonly Form[] = [
  ...FORMS,
  { name: 'the subprotocol of the iOS client', fields: [['Sec-WebSocket-Protocol', 'binary']] },
  { name: 'keep-alive beside Upgrade', upgrade: 'keep-alive, Upgrade' },
]

test.each(UPGRADES)(
  '84. what Microsoft clients send is served over a WebSocket: $name',
  async (form) => {
    const head = headOf(form, 'RDG_OUT_DATA', [
      ['RDG-Connection-Id', guid()],
      ['Connection', form.upgrade ?? 'Upgrade'],
      ['Upgrade', 'websocket'],
      ['Sec-WebSocket-Version', '13'],
      ['Sec-WebSocket-Key', WEBSOCKET_KEY],
    ])
    await expectConsole(await openWebSocket(node, head))
  },
)

test.each(FORMS)(
  '84. what Microsoft clients send is served over OUT and IN: $name',
  async (form) => {
    const id = ['RDG-Connection-Id', guid()] as const
    const out = await RawTls.open(node)
    out.write(headOf(form, 'RDG_OUT_DATA', [id]))
    expect(await out.readHead()).toMatch(/^HTTP\/1\.1 200 /)
    await out.read(10)
    const into = await RawTls.open(node)
    into.write(headOf(form, 'RDG_IN_DATA', [id, ['Content-Length', '0']]))
    expect(await into.readHead()).toMatch(/^HTTP\/1\.1 200 /)
    into.write(headOf(form, 'RDG_IN_DATA', [id, ['Transfer-Encoding', 'chunked']]))
    await expectConsole(httpWire(out, into))
  },
)

function headOf(
  { path = '/remoteDesktopGateway/', fields = [] }: Form,
  method: string,
  rest: NonNullable<Form['fields']>,
): Buffer {
  return renderHead(`${method} ${path} HTTP/1.1`, [['Host', 'localhost'], ...fields, ...rest])
}

/** Up to the host, named with its port as mstsc does. */
async function expectConsole(wire: Wire): Promise<void> {
  const { port } = target
  await reach(wire, 'authorized', { token: await node.mint(port) })
  wire.send(channelCreate(port, `127.0.0.1:${port}`))
  expect(await wire.receive()).toEqual(CHANNEL_RESPONSE)
  wire.send(data(X224_REQUEST))
  const host = await target.next()
  expect(await host.receive(X224_REQUEST.length)).toEqual(X224_REQUEST)
  host.socket.write('picture')
  expect(await wire.receive()).toEqual(data(Buffer.from('picture')))
}

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { Secret } from '../../src/lib/index.ts'
import {
  decodeTunnelAuthResponse,
  decodeTunnelResponse,
  PacketType,
} from '../../src/protocol/index.ts'
import { eventually } from '../helpers/eventually.ts'
import { type FarmRun, startFarm } from '../helpers/farm.ts'
import { openWebSocket, requests, type TestClient } from '../helpers/packet-client.ts'

const ALICE = '127.0.0.1'
const BOB = '127.0.0.2'
const REFUSED = 0x8007_59f8

let farm: FarmRun
const clients: TestClient[] = []

beforeAll(async () => {
  farm = await startFarm(['gw1', 'gw2'])
})
afterEach(() => {
  for (const { connections } of clients.splice(0)) {
    for (const { socket } of connections) socket.destroy()
  }
})
afterAll(() => farm?.stop())

interface Presented {
  client: TestClient
  /** Of TUNNEL_RESPONSE. */
  status: number
  durationMs: number
}

async function present(token: Secret, node: number, from: string): Promise<Presented> {
  const client = await openWebSocket(farm.nodes[node]?.port ?? 0, farm.ca, from)
  clients.push(client)
  client.send(requests.handshake())
  await client.receive()
  const startedMs = performance.now()
  client.send(requests.tunnel(token))
  const response = await client.receive()
  if (response?.type !== PacketType.tunnelResponse) throw new Error('no TUNNEL_RESPONSE')
  const durationMs = performance.now() - startedMs
  return { client, status: decodeTunnelResponse(response.body).statusCode, durationMs }
}

interface Session {
  node: string
  clientAddress: string
}

async function sessions(): Promise<Session[]> {
  const { body } = await farm.api('GET', '/v1/sessions')
  return JSON.parse(body.toString('utf8')).items
}

/** The code that a tunnel without a channel gets when it is ended: in the response that is due. */
async function endCode({ client }: Presented): Promise<number> {
  const response = await client.receive()
  if (response?.type !== PacketType.tunnelAuthResponse) throw new Error('no TUNNEL_AUTH_RESPONSE')
  return decodeTunnelAuthResponse(response.body).errorCode
}

test('of two clients with one token at two nodes one wins', async () => {
  const token = await farm.mint()
  const presented = await Promise.all([present(token, 0, ALICE), present(token, 1, BOB)])
  expect(presented.map(({ status }) => status).sort()).toEqual([0, REFUSED])
  const winner = presented[0].status === 0 ? ALICE : BOB
  expect(await sessions()).toMatchObject([{ clientAddress: winner }])
  // The winner may come to the other node as well, as real clients do.
  expect((await present(token, winner === ALICE ? 1 : 0, winner)).status).toBe(0)
})

test('nodes go on while the broker is dead, and what they decided is settled when it is back', async () => {
  const [before, shared, burned] = [await farm.mint(), await farm.mint(), await farm.mint()]
  const living = await present(before, 0, ALICE)
  expect(living.status).toBe(0)
  await farm.broker.kill()

  const older = await present(shared, 0, ALICE)
  expect(older.status).toBe(0)
  // A node waits for a second at most, and knows at once of a connection that is gone; a busy machine has more.
  expect(older.durationMs).toBeLessThan(15_000)
  const younger = await present(shared, 1, BOB)
  expect(younger.status).toBe(0)
  // What the broker decided before, and what it decided itself, the node still knows.
  expect((await present(before, 0, BOB)).status).toBe(REFUSED)
  expect((await present(shared, 0, BOB)).status).toBe(REFUSED)
  // A session that is over by the time the broker hears of it has spent its token all the same.
  const gone = await present(burned, 0, ALICE)
  expect(gone.status).toBe(0)
  gone.client.connections[0]?.socket.destroy()

  await farm.broker.start()
  expect(await endCode(younger)).toBe(0x8007_04d4)
  await eventually('both sessions', async () => {
    const open = await sessions()
    return (
      open.length === 2 &&
      open.every(({ node, clientAddress }) => node === 'gw1' && clientAddress === ALICE)
    )
  })
  // Whichever of the two was reported first, the broker has noticed.
  await eventually('redeem.conflict', () =>
    farm.broker.program.output().includes('redeem.conflict'),
  )
  expect((await present(shared, 1, BOB)).status).toBe(REFUSED)
  expect((await present(burned, 1, BOB)).status).toBe(REFUSED)
  expect((await present(await farm.mint(), 1, BOB)).status).toBe(0)
})

test('a node that starts while the broker is dead serves with what it remembers', async () => {
  const [token, revoked] = [await farm.mint(), await farm.mint()]
  const [, claims = ''] = revoked.reveal().split('.')
  const { jti } = JSON.parse(Buffer.from(claims, 'base64url').toString())
  const revocation = { kind: 'jti', value: jti }
  expect((await farm.api('POST', '/v1/revocations', revocation)).status).toBe(201)
  await eventually('the node has it', async () => {
    const { body } = await farm.api('GET', '/v1/nodes/gw1')
    return JSON.parse(body.toString('utf8')).revocationVersion > 0
  })

  await farm.broker.kill()
  await farm.nodes[0]?.kill()
  await farm.nodes[0]?.start()
  expect((await present(token, 0, ALICE)).status).toBe(0)
  expect((await present(revoked, 0, ALICE)).status).toBe(REFUSED)

  await farm.broker.start()
  await eventually('reported', async () => (await sessions()).some(({ node }) => node === 'gw1'))
})

import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ConsoleChannel, openConsole } from '../../src/client/index.ts'
import { Secret } from '../../src/lib/index.ts'
import { eventually } from '../helpers/eventually.ts'
import { type FarmRun, startFarm } from '../helpers/farm.ts'

let farm: FarmRun

beforeAll(async () => {
  farm = await startFarm(['gw1', 'gw2'])
})
afterAll(() => farm?.stop())

async function open(token: Secret, node = 0): Promise<ConsoleChannel> {
  const channel = await openConsole({
    gateway: { host: 'localhost', port: farm.nodes[node]?.port ?? 0 },
    target: farm.target,
    ca: farm.ca,
    token,
    transport: 'websocket',
    timeoutMs: 30_000,
    onStep: () => {},
  })
  channel.on('error', () => {})
  channel.resume()
  return channel
}

const json = async (path: string) => JSON.parse((await farm.api('GET', path)).body.toString('utf8'))

/** A second is promised; a busy machine has more, but less than the next heartbeat (10 s) would take. */
const PROMPT_MS = 8_000

/** How long after the call the channel was gone. */
async function endsAfter(channel: ConsoleChannel, call: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now()
  const closed = closeOf(channel)
  await call()
  await closed
  return performance.now() - startedMs
}

/** However it closes: a reset may reach a client that is slow to read, and is an error first. */
function closeOf(channel: ConsoleChannel): Promise<void> {
  return new Promise((resolve) => channel.once('close', () => resolve()))
}

const refused = (token: Secret, node: number) =>
  open(token, node).then(
    () => 'admitted',
    (error: Error) => error.message,
  )

test('a deleted console ends at once, and its token opens nothing on any node', async () => {
  const minted = await farm.api('POST', '/v1/consoles', { vm: 'web' })
  const { id, gatewayToken } = JSON.parse(minted.body.toString('utf8'))
  const token = new Secret(gatewayToken)
  const channel = await open(token)
  expect(await endsAfter(channel, () => farm.api('DELETE', `/v1/consoles/${id}`))).toBeLessThan(
    PROMPT_MS,
  )
  for (const node of [0, 1]) expect(await refused(token, node)).toMatch(/0x800759F8/i)
})

test('a killed session ends on its node, and its token with it', async () => {
  const token = await farm.mint()
  const channel = await open(token, 1)
  const session = await eventually('no session but this one', async () => {
    const { items } = await json('/v1/sessions')
    return items.length === 1 && items[0]
  })
  expect(session).toMatchObject({ vm: 'web', node: 'gw2', clientAddress: '127.0.0.1' })
  const { id } = session
  expect(await endsAfter(channel, () => farm.api('DELETE', `/v1/sessions/${id}`))).toBeLessThan(
    PROMPT_MS,
  )
  expect(channel.closeStatus?.toString(16)).toBe('800704d4')
  expect(await refused(token, 0)).not.toBe('admitted')
  await eventually('no session', async () => (await json('/v1/sessions')).items.length === 0)
  expect(await json(`/v1/sessions/${id}`)).toMatchObject({ reason: 'killed' })
})

test('a revoked tenant has no session left; what is minted later opens again', async () => {
  const old = await farm.mint()
  const channels = [await open(await farm.mint()), await open(await farm.mint(), 1)]
  const body = { kind: 'tenant', value: 'acme', endSessions: true }
  const closed = Promise.all(channels.map(closeOf))
  expect((await farm.api('POST', '/v1/revocations', body)).status).toBe(201)
  await closed
  expect(await refused(old, 0)).not.toBe('admitted')
  // `iat` counts in whole seconds, and the one of the revocation is hit as well.
  await new Promise((resolve) => setTimeout(resolve, 1_100))
  ;(await open(await farm.mint())).destroy()
})

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openConsole } from '../../src/client/index.ts'
import { Secret } from '../../src/lib/index.ts'
import { createIssuer, type GatewayClaims, inspectToken } from '../../src/tokens/index.ts'
import { eventually } from '../helpers/eventually.ts'
import { type FarmRun, startFarm } from '../helpers/farm.ts'
import { loggedBy } from '../helpers/programs.ts'

/**
 * Support is promised two seconds from a refusal at a node until it can be looked up. A busy machine has more, but
 * less than the next heartbeat (10 s) would take.
 */
const WITHIN_MS = 8_000

let farm: FarmRun

beforeAll(async () => {
  farm = await startFarm(['gw1'])
})
afterAll(() => farm?.stop())

async function mint(): Promise<{ ref: string; token: Secret; claims: GatewayClaims }> {
  const { body } = await farm.api('POST', '/v1/consoles', { vm: 'web' })
  const { ref, gatewayToken } = JSON.parse(body.toString('utf8'))
  // The broker's own, so it has the claims of one.
  const claims = inspectToken(gatewayToken).claims as GatewayClaims
  return { ref, token: new Secret(gatewayToken), claims }
}

function open(token: Secret) {
  return openConsole({
    gateway: { host: 'localhost', port: farm.nodes[0]?.port ?? 0 },
    target: farm.target,
    ca: farm.ca,
    token,
    transport: 'websocket',
    timeoutMs: 30_000,
    onStep: () => {},
  })
}

async function sign(claims: GatewayClaims): Promise<Secret> {
  const read = (name: string) => readFile(join(farm.certs, 'broker', name), 'utf8')
  const [certificatePem, privateKeyPem] = await Promise.all([
    read('issuer.crt'),
    read('issuer.key'),
  ])
  return (await createIssuer({ certificatePem, privateKeyPem })).sign(claims)
}

async function why(ref: string) {
  const { status, body } = await farm.api('GET', `/v1/why/${ref}`)
  return status === 200 ? JSON.parse(body.toString('utf8')) : undefined
}

/** The account of this reference as soon as it says refused, and how long that took. */
async function refusedSoon(ref: string) {
  const startedMs = performance.now()
  const account = await eventually('the refusal', async () => {
    const found = await why(ref)
    return found?.state === 'refused' ? found : undefined
  })
  expect(performance.now() - startedMs).toBeLessThan(WITHIN_MS)
  return account
}

/** The references that the node has logged with its refusals, in their order. */
function refsInLog(): string[] {
  return farm.nodes
    .flatMap(({ program }) => loggedBy(program))
    .filter(({ event }) => event === 'token.refused')
    .map(({ ref }) => String(ref))
}

test('an expired file: why says so soon, by the reference of its console', async () => {
  const { ref, claims } = await mint()
  const { iat } = claims
  // Too long ago for any reopening, and within the life of the issuer's certificate.
  const expired = await sign({ ...claims, iat: iat - 240, nbf: iat - 240, exp: iat - 180 })
  await expect(open(expired)).rejects.toThrow(/0x800759F8/i)
  const account = await refusedSoon(ref)
  expect(account).toMatchObject({ ref, reason: 'token-expired', console: { vm: 'web' } })
  expect(account.timeline.at(-1)).toMatchObject({ source: 'gw1', event: 'token.refused' })
  const { code, output } = await farm.cli('why', ref)
  expect(code).toBe(0)
  expect(output).toMatch(/^refused, token-expired: .*\n\nLikely cause: .*\nWhat to do: /m)
})

test('a token of nobody: why knows it by the reference in the log of the node', async () => {
  const before = refsInLog().length
  await expect(open(new Secret('AAAA.BBBB.CCCC'))).rejects.toThrow(/0x800759F8/i)
  // The client may know it before this process has read the node's line.
  const ref = await eventually('the line in the log', async () => refsInLog()[before])
  const account = await refusedSoon(ref)
  expect(account).toMatchObject({ ref, reason: 'token-malformed' })
  expect(account.console).toBeUndefined()
})

test('a session from file to kill, and who asked for it', async () => {
  const { ref, token } = await mint()
  const channel = await open(token)
  channel.on('error', () => {})
  channel.resume()
  await eventually('the open console', async () => (await why(ref))?.state === 'open')
  const { body } = await farm.api('GET', '/v1/sessions')
  const [{ id }] = JSON.parse(body.toString('utf8')).items
  await farm.api('DELETE', `/v1/sessions/${id}`)
  const account = await eventually('the end', async () => {
    const found = await why(ref)
    return found?.timeline.at(-1)?.event === 'session.closed' && found
  })
  expect(account.state).toBe('ended')
  expect(account).toMatchObject({ reason: 'killed', open: 0 })
  expect(account.timeline.map(({ event }: { event: string }) => event)).toEqual([
    'console.minted',
    'console.fetched',
    'token.redeemed',
    'tunnel.created',
    'channel.opened',
    'session.killed',
    'session.closed',
  ])
  expect(JSON.stringify(account)).toContain('Ended by key:test')
})

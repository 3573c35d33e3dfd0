import { randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect } from 'vitest'
import type { Reason } from '../../src/lib/index.ts'
import { createIssuer, type HostClaims, type Issuer } from '../../src/tokens/index.ts'
import { eventually } from '../helpers/eventually.ts'
import { type FarmRun, startFarm } from '../helpers/farm.ts'
import {
  FREERDP_PROGRAMS,
  type FreerdpProgram,
  startFreerdp,
  TRANSPORT_ARGS,
  TRANSPORTS,
} from '../helpers/freerdp.ts'
import {
  type HostAgentRun,
  type NodeDouble,
  startHostAgent,
  startNodeDouble,
} from '../helpers/host-agent.ts'
import { freePort } from '../helpers/ports.ts'
import { type RunningProgram, testWithPrograms } from '../helpers/programs.ts'
import { type Colour, isNear, takeScreenshot } from '../helpers/screenshot.ts'
import { type ShadowHost, startShadowHost } from '../helpers/shadow-host.ts'
import { type Display, startDisplay } from '../helpers/xvfb.ts'

const VM = '3f2504e0-4f89-11d3-9a0c-0305e82c3301'
const OTHER_VM = '7c9e6679-7425-40de-944b-e07fc1f90ae7'
/** A point of the host's root window that the client covers with nothing of its own. */
const SAMPLE = { x: 700, y: 400 }
const PROGRAMS = ['freerdp-shadow-cli', 'Xvfb', 'import', 'xsetroot']
/** Longer than a test on a busy machine. */
const LIFETIME_SECONDS = 120
/** What both FreeRDP exit with. */
const NEGOTIATION_FAILED = 133

/** FreeRDP, a node, a host agent and a real RDP host; the broker leads node and agent over the control channel. */
describe('a machine behind a host agent', () => {
  let shadow: ShadowHost
  let farm: FarmRun
  let agent: HostAgentRun
  /** It lets everything through, as a client of one address and of another. */
  let double: NodeDouble
  let otherDouble: NodeDouble
  let display: Display
  let scratch: string
  let issuer: Issuer
  let logged: number
  /** Of the last picture. */
  let red = 40

  beforeAll(async () => {
    shadow = await startShadowHost()
    const port = await freePort()
    farm = await startFarm(['gw1'], { target: { host: '127.0.0.1', port }, logLevel: 'info' })
    const consoles = { [VM]: `127.0.0.1:${shadow.port}`, [OTHER_VM]: `127.0.0.1:${shadow.port}` }
    agent = await startHostAgent({ farm, host: 'hv1', port, consoles })
    double = await startNodeDouble(farm, agent, '192.0.2.7')
    otherDouble = await startNodeDouble(farm, agent, '192.0.2.8')
    display = await startDisplay()
    scratch = await mkdtemp(join(tmpdir(), 'portcullis-host-agent-'))
    const read = (name: string) => readFile(join(farm.certs, 'broker', name), 'utf8')
    issuer = await createIssuer({
      certificatePem: await read('issuer.crt'),
      privateKeyPem: await read('issuer.key'),
    })
    const host = { kind: 'agent', address: '127.0.0.1', port, console: { allow: true } }
    await put('/v1/vms/web', { name: 'Web 1', tenant: 'acme', host: 'hv1', guid: VM })
    await put('/v1/hosts/hv1', host)
  })

  afterAll(async () => {
    await display?.stop()
    double?.stop()
    otherDouble?.stop()
    await agent?.stop()
    await farm?.stop()
    await shadow?.stop()
    if (scratch !== undefined) await rm(scratch, { recursive: true, force: true })
  })

  beforeEach(() => {
    logged = agent.log.length
  })

  for (const program of FREERDP_PROGRAMS) {
    for (const transport of TRANSPORTS) {
      testWithPrograms(
        [program, ...PROGRAMS],
        `${program} over ${transport} shows it`,
        async () => {
          const file = join(scratch, `${program}-${transport}.rdp`)
          const { rdp, ref } = await openConsole()
          await writeFile(file, Buffer.from(rdp, 'base64'))
          const client = await startFreerdp({
            ...{ program, display },
            args: [file, ...TRANSPORT_ARGS[program][transport]],
          })
          try {
            await expectPicture(client)
          } finally {
            await client.stop()
          }
          expect(ref).toMatch(/^[0-9A-Z]{4}-[0-9A-Z]{4}$/)
          const redeemed = await eventually('its redeem', () => events('token.redeemed')[0])
          expect(redeemed).toMatchObject({ node: 'gw1', vm: 'web' })
          await eventually('its end', () => events('session.closed').length > 0)
        },
      )
    }

    testWithPrograms(
      [program, ...PROGRAMS],
      `${program} gets through a node that checks nothing with what is right, and with nothing else`,
      async () => {
        const right = await mint()
        const client = await present(program, right)
        try {
          await expectPicture(client)
        } finally {
          await client.stop()
        }
        await eventually('its end', () => events('session.closed').length > 0)
        await expectRefused(program, await mint({ vmg: OTHER_VM }), 'vm-mismatch')
        await expectRefused(program, await mint({ aud: 'hv2' }), 'audience-mismatch')
        await expectRefused(program, await mint({}, -2 * LIFETIME_SECONDS), 'token-expired')
        await expectRefused(program, right, 'client-mismatch', otherDouble)
      },
    )
  }

  testWithPrograms(
    ['xfreerdp', ...PROGRAMS],
    'while the broker is away the agent decides by itself, after a restart as well',
    async () => {
      const [replayed, fresh] = [await mint(), await mint()]
      const first = await present('xfreerdp', replayed)
      await expectPicture(first)
      await first.stop()
      await farm.broker.kill()
      try {
        await expectRefused('xfreerdp', replayed, 'client-mismatch', otherDouble)
        await expectRefused('xfreerdp', await mint({ vmg: OTHER_VM }), 'vm-mismatch')
        await expectRefused('xfreerdp', await mint({ aud: 'hv2' }), 'audience-mismatch')
        await expectRefused('xfreerdp', await mint({}, -2 * LIFETIME_SECONDS), 'token-expired')
        const alone = await present('xfreerdp', fresh)
        await expectPicture(alone)
        await alone.stop()
        await expectRefused('xfreerdp', fresh, 'client-mismatch', otherDouble)
        await agent.restart()
        const again = await present('xfreerdp', await mint())
        await expectPicture(again)
        await again.stop()
      } finally {
        await farm.broker.start()
      }
    },
  )

  testWithPrograms(
    ['xfreerdp', ...PROGRAMS],
    'a revocation ends its session at the agent, whatever the node does',
    async () => {
      const { hostToken, id } = await openConsole()
      const client = await present('xfreerdp', hostToken)
      try {
        await expectPicture(client)
        await farm.api('DELETE', `/v1/consoles/${id}`)
        await eventually('the end', () =>
          events('session.closed').some(({ reason }) => reason === 'token-revoked'),
        )
      } finally {
        await client.stop()
      }
      await expectRefused('xfreerdp', hostToken, 'token-revoked')
      await eventually('its figures', async () => {
        const { text } = await agent.check('/metrics')
        expect(text).toContain('portcullis_agent_sessions_ended_total{reason="token-revoked"} 1\n')
        expect(text).toMatch(/refusals_total\{reason="token-revoked"\} [1-9]/)
        return (await agent.check('/healthz')).status === 200
      })
    },
  )

  function events(name: string) {
    return agent.log.slice(logged).filter(({ event }) => event === name)
  }

  /** A host token as the broker would make it for the machine, but for what is changed. */
  async function mint(change: Partial<HostClaims> = {}, sinceSeconds = 0): Promise<string> {
    const iat = Math.floor(Date.now() / 1000) + sinceSeconds
    const times = { iat, nbf: iat, exp: iat + LIFETIME_SECONDS }
    const ids = { iss: 'localhost', aud: 'hv1', jti: randomUUID(), vm: 'web', vmg: VM }
    return (await issuer.signHost({ ...ids, ...times, ...change })).reveal()
  }

  async function openConsole(): Promise<Record<'rdp' | 'ref' | 'hostToken' | 'id', string>> {
    const { status, body } = await farm.api('POST', '/v1/consoles', {
      vm: 'web',
      ttlSeconds: LIFETIME_SECONDS,
    })
    if (status !== 201) throw new Error(`POST /v1/consoles: ${status} ${body.toString('utf8')}`)
    return JSON.parse(body.toString('utf8'))
  }

  function present(program: FreerdpProgram, token: string, by = double): Promise<RunningProgram> {
    const args = [`/v:127.0.0.1:${by.port}`, `/pcb:${VM};Token=${token}`]
    return startFreerdp({ program, display, args })
  }

  /** The client gives up by itself, and the agent says why. */
  async function expectRefused(
    program: FreerdpProgram,
    token: string,
    reason: Reason,
    by = double,
  ): Promise<void> {
    const before = agent.log.length
    const client = await present(program, token, by)
    try {
      expect(await client.ended, client.output()).toBe(NEGOTIATION_FAILED)
    } finally {
      await client.stop()
    }
    const said = (name: string) => agent.log.slice(before).filter(({ event }) => event === name)
    await eventually('the refusal', () => said('host.refused').length > 0, {
      context: client.output,
    })
    expect(new Set(said('host.refused').map((line) => line.reason))).toEqual(new Set([reason]))
    expect(said('console.opened')).toEqual([])
  }

  /** What the shadow host shows now, in a colour of its own. */
  async function expectPicture(client: RunningProgram): Promise<void> {
    red = red === 40 ? 200 : 40
    const colour: Colour = [red, 90, 210]
    const hex = colour.map((value) => value.toString(16).padStart(2, '0')).join('')
    await shadow.display.paintRoot(`#${hex}`)
    await eventually(
      `the client shows #${hex}`,
      async () => isNear((await takeScreenshot(display)).at(SAMPLE.x, SAMPLE.y), colour, 8),
      { timeoutMs: 60_000, context: () => client.output() + JSON.stringify(agent.log.slice(-5)) },
    )
  }

  async function put(path: string, json: object): Promise<void> {
    const { status, body } = await farm.api('PUT', path, json)
    if (status >= 300) throw new Error(`PUT ${path}: ${status} ${body.toString('utf8')}`)
  }
})

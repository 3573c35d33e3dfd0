import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import type { Reason } from '../../src/lib/index.ts'
import { fetchConsoleFile } from '../helpers/api.ts'
import {
  signAgain,
  signByStranger,
  tamper,
  tokenOf,
  withSetting,
} from '../helpers/broken-tokens.ts'
import { type DemoRun, startDemoRun } from '../helpers/demo.ts'
import { eventually } from '../helpers/eventually.ts'
import {
  FREERDP_PROGRAMS,
  type FreerdpProgram,
  startFreerdp,
  TRANSPORT_ARGS,
  TRANSPORTS,
  type Transport,
} from '../helpers/freerdp.ts'
import { freePort } from '../helpers/ports.ts'
import { testWithPrograms } from '../helpers/programs.ts'
import { type Display, startDisplay } from '../helpers/xvfb.ts'

interface Case {
  name: string
  /** What the client prints. */
  text: string
  /** Event and reason in the node's log. */
  event: string
  reason: Reason
  /** A good file made bad. */
  spoil(rdp: Buffer): Promise<Buffer> | Buffer
}

const DENIED = 'E_PROXY_COOKIE_AUTHENTICATION_ACCESS_DENIED'
const withToken = (rdp: Buffer, token: string): Buffer =>
  withSetting(rdp, 'gatewayaccesstoken', token)

describe('a refused client is told its class, the log the reason', () => {
  let demo: DemoRun
  let display: Display
  let scratch: string

  // Nothing listens on the machine's port: every other case is refused before it is dialled.
  beforeAll(async () => {
    demo = await startDemoRun(['--console', `127.0.0.1:${await freePort()}`])
    display = await startDisplay()
    scratch = await mkdtemp(join(tmpdir(), 'portcullis-refusals-'))
  })

  afterAll(async () => {
    await display?.stop()
    await demo?.stop()
    await rm(scratch, { recursive: true, force: true })
  })

  const cases: Case[] = [
    {
      name: 'an expired token',
      text: DENIED,
      event: 'token.refused',
      reason: 'token-expired',
      async spoil(rdp) {
        const now = Math.floor(Date.now() / 1000)
        const times = { iat: now - 120, nbf: now - 120, exp: now - 60 }
        return withToken(rdp, await signAgain(rdp, join(demo.dataDirectory, 'certs'), times))
      },
    },
    {
      name: 'a tampered token',
      text: DENIED,
      event: 'token.refused',
      reason: 'signature-invalid',
      spoil: (rdp) => withToken(rdp, tamper(tokenOf(rdp))),
    },
    {
      name: 'a token of an issuer that is not trusted',
      text: DENIED,
      event: 'token.refused',
      reason: 'issuer-unknown',
      spoil: async (rdp) => withToken(rdp, await signByStranger(rdp)),
    },
    {
      name: 'another target than the token names',
      text: 'E_PROXY_RAP_ACCESSDENIED',
      event: 'channel.refused',
      reason: 'target-mismatch',
      spoil: (rdp) =>
        withSetting(withSetting(rdp, 'full address', '127.0.0.1:22'), 'server port', '22'),
    },
    {
      name: 'a host that is down',
      text: 'E_PROXY_TS_CONNECTFAILED',
      event: 'channel.refused',
      reason: 'host-unreachable',
      spoil: (rdp) => rdp,
    },
  ]

  for (const program of FREERDP_PROGRAMS) {
    for (const transport of TRANSPORTS) {
      for (const wrong of cases) {
        testWithPrograms([program, 'Xvfb'], `82. ${program} over ${transport}: ${wrong.name}`, () =>
          isRefused(program, transport, wrong),
        )
        // With it, a client that took the refusal for a lost connection would come again.
        testWithPrograms(
          [program, 'Xvfb'],
          `82. ${program} over ${transport}, with auto-reconnect: ${wrong.name}`,
          () => isRefused(program, transport, wrong, ['+auto-reconnect']),
        )
      }
    }
  }

  async function isRefused(
    program: FreerdpProgram,
    transport: Transport,
    { text, event, reason, spoil }: Case,
    options: string[] = [],
  ): Promise<void> {
    const good = await fetchConsoleFile(demo.ready, demo.ready.vms[0]?.id ?? '')
    const file = join(scratch, 'console.rdp')
    await writeFile(file, await spoil(good))
    const before = (await demo.log('gw1')).length

    const client = await startFreerdp({
      program,
      display,
      args: [file, ...TRANSPORT_ARGS[program][transport], ...options],
    })
    const late = setTimeout(() => void client.stop(), 60_000)
    await client.ended
    clearTimeout(late)
    await client.stop()

    expect(client.output()).toContain(text)
    const line = await eventually('the node logs it', async () =>
      (await demo.log('gw1')).slice(before).find((entry) => entry.event === event),
    )
    expect(line).toMatchObject({ reason, node: 'gw1' })
    const lines = (await demo.log('gw1')).slice(before)
    expect(lines.filter((entry) => entry.event === event)).toHaveLength(1)
    expect(JSON.stringify(await demo.log('gw1'))).not.toContain(tokenOf(good).slice(-40))
  }
})

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { fetchConsoleFile } from '../helpers/api.ts'
import { type BreakableFront, startBreakableFront } from '../helpers/breakable-front.ts'
import { tokenOf } from '../helpers/broken-tokens.ts'
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
import { testWithPrograms } from '../helpers/programs.ts'
import { type ShownHost, startShownHost } from '../helpers/shown-host.ts'

// Line 83 of the checklist, and what a client without auto-reconnect makes of the same.

/** FreeRDP's exit code for a way to the host that failed, or ended while it was used. */
const CONNECT_FAILED = 131
const NEEDED = ['freerdp-shadow-cli', 'Xvfb', 'import', 'xsetroot']

describe('a host that resets its connections', () => {
  let shown: ShownHost
  let front: BreakableFront
  let demo: DemoRun

  beforeAll(async () => {
    shown = await startShownHost()
    await shown.paint([40, 200, 160])
    front = await startBreakableFront(shown.host)
    demo = await startDemoRun(['--console', `${front.address}:${front.port}`])
  })

  afterAll(async () => {
    await demo?.stop()
    front?.stop()
    await shown?.stop()
  })

  for (const program of FREERDP_PROGRAMS) {
    for (const transport of TRANSPORTS) {
      testWithPrograms(
        [program, ...NEEDED],
        `83. ${program} over ${transport}, with auto-reconnect, is back with the same token`,
        () => comesBack(program, transport),
      )
      testWithPrograms(
        [program, ...NEEDED],
        `83. ${program} over ${transport}, without auto-reconnect, ends and says why`,
        () => ends(program, transport),
      )
    }
  }

  async function comesBack(program: FreerdpProgram, transport: Transport): Promise<void> {
    const { client, events } = await showing(program, transport, ['+auto-reconnect'])
    try {
      front.reset()
      // Another picture than the one from before the reset.
      await shown.paintAnother()
      await shown.shows(client.output)
      // A client may need more than one attempt.
      for (const event of ['token.redeemed', 'channel.opened']) {
        await eventually(`${event} again`, async () => (await events(event)).length >= 2)
      }
      const first = await eventually('the end', async () => (await events('session.closed'))[0])
      expect(first).toMatchObject({ reason: 'host-closed' })
    } finally {
      await client.stop()
    }
  }

  async function ends(program: FreerdpProgram, transport: Transport): Promise<void> {
    const { client, events } = await showing(program, transport, [])
    const late = setTimeout(() => void client.stop(), 60_000)
    try {
      front.reset()
      expect(await client.ended).toBe(CONNECT_FAILED)
      expect(client.output()).toContain('E_PROXY_INTERNALERROR')
      expect(await events('token.redeemed')).toHaveLength(1)
    } finally {
      clearTimeout(late)
      await client.stop()
    }
  }

  /** A client that shows the host, and what the node says of its token. */
  async function showing(program: FreerdpProgram, transport: Transport, options: string[]) {
    const rdp = await fetchConsoleFile(demo.ready, demo.ready.vms[0]?.id ?? '')
    const file = join(shown.scratch, `${program}-${transport}.rdp`)
    await writeFile(file, rdp)
    const jti = jtiOf(tokenOf(rdp))
    await shown.paintAnother()
    const args = [file, ...TRANSPORT_ARGS[program][transport], ...options]
    const client = await startFreerdp({ program, display: shown.display, args })
    try {
      await shown.shows(client.output)
    } catch (error) {
      await client.stop()
      throw error
    }
    return {
      client,
      events: async (event: string) =>
        (await demo.log('gw1')).filter((line) => line.event === event && line.jti === jti),
    }
  }
})

function jtiOf(token: string): unknown {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')).jti
}

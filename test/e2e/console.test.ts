import { randomInt } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fetchConsoleFile } from '../helpers/api.ts'
import { type DemoRun, startDemoRun } from '../helpers/demo.ts'
import { eventually } from '../helpers/eventually.ts'
import {
  FREERDP_PROGRAMS,
  type FreerdpProgram,
  startFreerdp,
  TRANSPORT_ARGS,
  TRANSPORTS,
} from '../helpers/freerdp.ts'
import { testWithPrograms } from '../helpers/programs.ts'
import { type Colour, isNear, takeScreenshot } from '../helpers/screenshot.ts'
import { type ShadowHost, startShadowHost } from '../helpers/shadow-host.ts'
import { type Display, startDisplay } from '../helpers/xvfb.ts'

/** A point of the host's root window that neither client covers with anything of its own. */
const SAMPLE = { x: 700, y: 400 }

describe('a console of a real RDP host', () => {
  let host: ShadowHost
  let demo: DemoRun
  let display: Display
  let scratch: string

  beforeAll(async () => {
    host = await startShadowHost()
    demo = await startDemoRun(['--console', `${host.address}:${host.port}`])
    display = await startDisplay()
    scratch = await mkdtemp(join(tmpdir(), 'portcullis-console-'))
  })

  afterAll(async () => {
    await display?.stop()
    await demo?.stop()
    await host?.stop()
    await rm(scratch, { recursive: true, force: true })
  })

  for (const program of FREERDP_PROGRAMS) {
    for (const transport of TRANSPORTS) {
      testWithPrograms(
        [program, 'freerdp-shadow-cli', 'Xvfb', 'import', 'xsetroot'],
        `${program} shows the host through a node over ${transport}, and follows its changes`,
        () => showsTheHost(program, transport),
      )
    }
  }

  async function showsTheHost(
    program: FreerdpProgram,
    transport: (typeof TRANSPORTS)[number],
  ): Promise<void> {
    const file = join(scratch, `${program}-${transport}.rdp`)
    await writeFile(file, await fetchConsoleFile(demo.ready, demo.ready.vms[0]?.id ?? ''))
    const colour = randomColour()
    await host.display.paintRoot(toHex(colour))

    const before = (await demo.log('gw1')).length
    const client = await startFreerdp({
      program,
      display,
      args: [file, ...TRANSPORT_ARGS[program][transport]],
    })
    try {
      await shows(colour, client.output)
      const created = (await demo.log('gw1'))
        .slice(before)
        .filter(({ event }) => event === 'tunnel.created')
      expect(created.map((line) => line.transport)).toEqual([transport])

      const changed: Colour = [255 - colour[0], 255 - colour[1], 255 - colour[2]]
      await host.display.paintRoot(toHex(changed))
      await shows(changed, client.output)
    } finally {
      await client.stop()
    }
    await eventually('the node closes the session', async () =>
      (await demo.log('gw1')).slice(before).some(({ event }) => event === 'session.closed'),
    )
  }

  function shows(colour: Colour, output: () => string): Promise<unknown> {
    return eventually(
      `the client shows ${toHex(colour)}`,
      async () => isNear((await takeScreenshot(display)).at(SAMPLE.x, SAMPLE.y), colour),
      { timeoutMs: 30_000, context: output },
    )
  }
})

/** Every channel is far from the middle, so that its complement is another colour beyond any tolerance. */
function randomColour(): Colour {
  const channel = (): number => (randomInt(2) === 0 ? randomInt(20, 80) : randomInt(176, 236))
  return [channel(), channel(), channel()]
}

function toHex(colour: Colour): string {
  return `#${colour.map((value) => value.toString(16).padStart(2, '0')).join('')}`
}

test('the complement of a random colour is never near it', () => {
  for (let run = 0; run < 100; run += 1) {
    const colour = randomColour()
    expect(isNear(colour, [255 - colour[0], 255 - colour[1], 255 - colour[2]])).toBe(false)
  }
})
